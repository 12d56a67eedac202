package io.ncc.checkin.receiver;

import static java.nio.charset.StandardCharsets.UTF_16;
import static java.nio.charset.StandardCharsets.UTF_16BE;
import static java.nio.charset.StandardCharsets.UTF_16LE;
import static java.nio.charset.StandardCharsets.UTF_8;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.io.Reader;
import java.io.SequenceInputStream;
import java.nio.charset.Charset;
import java.util.BitSet;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;
import tools.jackson.core.TokenStreamLocation;
import tools.jackson.core.exc.StreamReadException;

/**
 * The checkins of a batch, one after the other as they arrive. A form of batch only cuts the body into elements; what is in an element is read in the
 * same way for all forms, so all refuse the same elements.
 */
abstract class BatchReader {

    private final byte[] buffer = new byte[8 * 1024];
    private InputStream body;
    private int next;
    private int end;

    /** As much of the current element as fits. */
    private final byte[] element;

    private int length;

    private BatchReader(InputStream body, int longest) {
        this.body = body;
        this.element = new byte[longest];
    }

    /**
     * The next checkin.
     *
     * @return null at the end
     * @throws InvalidCheckinException if what came is none; the one after it can be read
     * @throws ErrorResponseException a problem, if the rest of the body can't be read
     * @throws IOException if the client is gone
     */
    abstract @Nullable Checkin next() throws InvalidCheckinException, IOException;

    /** The next byte, or -1 at the end. */
    final int read() throws IOException {
        if (next == end) {
            next = 0;
            end = Math.max(0, body.read(buffer));
        }
        return next < end ? buffer[next++] & 0xff : -1;
    }

    /** To be called once after {@link #read}. */
    final void unread() {
        next--;
    }

    final void begin() {
        length = 0;
    }

    final void add(int next) {
        if (length < element.length) {
            element[length] = (byte) next;
        }
        length++;
    }

    /** @throws StreamReadException if the element is not well-formed */
    final Checkin parse() throws InvalidCheckinException {
        if (length > element.length) {
            throw invalid("is longer than " + element.length + " bytes");
        }
        if (!encoding(element, length).equals(UTF_8)) {
            throw invalid("is not UTF-8");
        }
        return CheckinReader.read(element, 0, length);
    }

    /** The encoding of the body. To be asked for before anything is read. */
    final Charset encoding() throws IOException {
        end = body.readNBytes(buffer, 0, Integer.BYTES);
        return encoding(buffer, end);
    }

    /** Makes a body in another encoding one in ASCII, in which {@code ?} stands for any other character: no checkin has such a character. */
    final void convertFrom(Charset encoding) {
        InputStream whole = new SequenceInputStream(new ByteArrayInputStream(buffer.clone(), next, end - next), body);
        body = new Ascii(new InputStreamReader(whole, encoding));
        next = end;
    }

    /** JSON begins with an ASCII character, so zeros among the first bytes tell the encoding. */
    private static Charset encoding(byte[] text, int length) {
        if (length >= 2) {
            int first = text[0] & 0xff;
            int second = text[1] & 0xff;
            if ((first == 0 && second == 0) || (length >= 4 && text[2] == 0 && text[3] == 0)) {
                return first == 0 || first == 0xff ? Charset.forName("UTF-32") : Charset.forName("UTF-32LE");
            }
            if ((first == 0xfe && second == 0xff) || (first == 0xff && second == 0xfe)) {
                return UTF_16; // it has a byte order mark
            }
            if (first == 0 || second == 0) {
                return first == 0 ? UTF_16BE : UTF_16LE;
            }
        }
        return UTF_8;
    }

    static boolean isBlank(int next) {
        return next == ' ' || next == '\t' || next == '\r' || next == '\n';
    }

    private static InvalidCheckinException invalid(String message) {
        return new InvalidCheckinException(List.of(new InvalidMember("", message)));
    }

    private static ErrorResponseException broken(InvalidMember error) {
        return ProblemType.invalidMembers(List.of(error));
    }

    private static final class Ascii extends InputStream {

        private final Reader text;

        Ascii(Reader text) {
            this.text = text;
        }

        @Override
        public int read() throws IOException {
            int next = text.read();
            return next < 0x80 ? next : '?';
        }

        @Override
        public int read(byte[] into, int from, int length) throws IOException {
            char[] characters = new char[length];
            int count = text.read(characters, 0, length);
            for (int i = 0; i < count; i++) {
                into[from + i] = (byte) (characters[i] < 0x80 ? characters[i] : '?');
            }
            return count;
        }
    }

    /** The elements of a JSON array. Without a whole array, what follows the last whole element can't be told apart. */
    static final class OfArray extends BatchReader {

        private static final InvalidMember NO_ARRAY = new InvalidMember("", "must be one JSON array");

        private boolean begun;

        /** Where the byte is that was read last. */
        private long line = 1;

        private long column;

        /** @param longest element, in bytes */
        OfArray(InputStream body, int longest) {
            super(body, longest);
        }

        @Override
        @Nullable
        Checkin next() throws InvalidCheckinException, IOException {
            int first;
            if (begun) {
                first = readAfterBlanks();
                if (first == ',') {
                    first = readAfterBlanks();
                    require(first != ']');
                } else {
                    require(first == ']');
                }
            } else {
                readStart();
                begun = true;
                first = readAfterBlanks();
            }
            if (first != ']') {
                return readElement(first);
            }
            if (readAfterBlanks() >= 0) {
                throw broken(NO_ARRAY);
            }
            return null;
        }

        private void readStart() throws IOException {
            Charset encoding = encoding();
            if (!encoding.equals(UTF_8)) {
                convertFrom(encoding);
            }
            int first = readAfterBlanks();
            if (first == 0xef && readNext() == 0xbb && readNext() == 0xbf) { // the byte order mark of UTF-8
                first = readAfterBlanks();
            }
            if (first != '[') {
                throw broken(NO_ARRAY);
            }
        }

        private Checkin readElement(int first) throws InvalidCheckinException, IOException {
            long firstLine = line;
            long firstColumn = column;
            begin();
            switch (first) {
                case '{', '[' -> addNested(first);
                case '"' -> {
                    add(first);
                    addString();
                }
                default -> addScalar(first);
            }
            try {
                return parse();
            } catch (StreamReadException e) {
                TokenStreamLocation location = e.getLocation();
                throw location.getLineNr() > 1
                        ? broken(InvalidMember.malformed(firstLine + location.getLineNr() - 1, location.getColumnNr()))
                        : broken(InvalidMember.malformed(firstLine, firstColumn + location.getColumnNr() - 1));
            }
        }

        private void addNested(int first) throws IOException {
            BitSet objects = new BitSet(); // by depth; what isn't one is an array
            int depth = 0;
            int read = first;
            while (true) {
                require(read > 0);
                add(read);
                if (read == '"') {
                    addString();
                } else if (read == '{' || read == '[') {
                    objects.set(depth, read == '{');
                    depth++;
                } else if (read == '}' || read == ']') {
                    depth--;
                    require(objects.get(depth) == (read == '}'));
                }
                if (depth == 0) {
                    return;
                }
                read = readNext();
            }
        }

        /** After its first quotation mark. */
        private void addString() throws IOException {
            boolean escaped = false;
            boolean closed = false;
            while (!closed) {
                int read = readNext();
                require(read > 0);
                add(read);
                closed = read == '"' && !escaped;
                escaped = read == '\\' && !escaped;
            }
        }

        private void addScalar(int first) throws IOException {
            int read = first;
            do {
                require(read > 0);
                add(read);
                read = readNext();
            } while (read != ',' && read != ']' && !isBlank(read));
            unread();
            column--;
        }

        private int readAfterBlanks() throws IOException {
            int read = readNext();
            while (isBlank(read)) {
                read = readNext();
            }
            return read;
        }

        private int readNext() throws IOException {
            int read = read();
            if (read == '\n') {
                line++;
                column = 0;
            } else {
                column++;
            }
            return read;
        }

        private void require(boolean wellFormed) {
            if (!wellFormed) {
                throw broken(InvalidMember.malformed(line, column));
            }
        }
    }

    /** The lines of <a href="https://github.com/ndjson/ndjson-spec">NDJSON</a>. One that is broken doesn't spoil the others. */
    static final class OfLines extends BatchReader {

        private boolean begun;

        /** @param longest line, in bytes */
        OfLines(InputStream body, int longest) {
            super(body, longest);
        }

        @Override
        @Nullable
        Checkin next() throws InvalidCheckinException, IOException {
            if (!begun && !encoding().equals(UTF_8)) {
                throw broken(new InvalidMember("", "must be UTF-8"));
            }
            begun = true;
            begin();
            boolean blank = true;
            for (int read = read(); read >= 0; read = read()) {
                if (read == '\n' && !blank) {
                    return parseLine();
                }
                if (read == '\n') {
                    begin(); // an empty line is no checkin
                    continue;
                }
                add(read);
                blank &= isBlank(read);
            }
            return blank ? null : parseLine();
        }

        private Checkin parseLine() throws InvalidCheckinException {
            try {
                return parse();
            } catch (StreamReadException e) {
                throw new InvalidCheckinException(List.of(InvalidMember.of(e)));
            }
        }
    }
}
