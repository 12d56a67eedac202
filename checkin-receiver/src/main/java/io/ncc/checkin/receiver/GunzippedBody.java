package io.ncc.checkin.receiver;

import java.io.IOException;
import java.io.InputStream;
import java.util.zip.CRC32;
import java.util.zip.DataFormatException;
import java.util.zip.Inflater;

/**
 * The content of a body that was compressed with gzip (<a href="https://www.rfc-editor.org/rfc/rfc1952">RFC 1952</a>): one or more members, which may
 * be followed by zeros. Every byte of the body is accounted for. What is damaged, missing or anything else is a problem. The JDK's own
 * {@code GZIPInputStream} ignores what follows a member if it isn't the header of another.
 */
final class GunzippedBody extends InputStream {

    private static final int MAGIC = 0x1f;
    private static final int DEFLATE = 8;

    // the flags of a header
    private static final int HEADER_CRC = 0x02;
    private static final int EXTRA = 0x04;
    private static final int NAME = 0x08;
    private static final int COMMENT = 0x10;
    private static final int RESERVED = 0xe0;

    private final InputStream body;
    private final byte[] buffer = new byte[8 * 1024];
    private final Inflater inflater = new Inflater(true);
    private final CRC32 crc = new CRC32();

    private int next;
    private int end;
    private boolean inMember;
    private boolean afterMember;

    GunzippedBody(InputStream body) {
        this.body = body;
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /** @throws BrokenRequestException if it is not gzip from here on */
    @Override
    public int read(byte[] to, int offset, int length) throws IOException {
        if (length == 0) {
            return 0;
        }
        while (inMember || beginMember()) {
            int count = inflate(to, offset, length);
            if (count > 0) {
                crc.update(to, offset, count);
                return count;
            }
            endMember();
        }
        return -1;
    }

    /** 0 at the end of the member. */
    private int inflate(byte[] to, int offset, int length) throws IOException {
        try {
            int count = 0;
            while (count == 0 && !inflater.finished()) {
                if (inflater.needsInput()) {
                    require(next < end || fill());
                    inflater.setInput(buffer, next, end - next);
                    next = end;
                }
                count = inflater.inflate(to, offset, length);
                require(!inflater.needsDictionary());
            }
            return count;
        } catch (DataFormatException e) {
            throw notGzip();
        }
    }

    /** False at the end of the body. */
    private boolean beginMember() throws IOException {
        boolean padded = false;
        if (afterMember) {
            int first = peek();
            while (first == 0) {
                padded = true;
                next++;
                first = peek();
            }
            if (first < 0) {
                return false;
            }
        }
        require(!padded);
        readHeader();
        inflater.reset();
        crc.reset();
        inMember = true;
        return true;
    }

    private void readHeader() throws IOException {
        crc.reset();
        require(headerByte() == MAGIC && headerByte() == 0x8b && headerByte() == DEFLATE);
        int flags = headerByte();
        require((flags & RESERVED) == 0);
        skipHeader(6); // time, level, operating system
        if ((flags & EXTRA) != 0) {
            skipHeader(headerByte() | headerByte() << 8);
        }
        for (int text : new int[] {NAME, COMMENT}) {
            if ((flags & text) != 0) {
                while (headerByte() != 0) {
                    // it ends with the first zero
                }
            }
        }
        if ((flags & HEADER_CRC) != 0) {
            long expected = crc.getValue() & 0xffff;
            require((headerByte() | headerByte() << 8) == expected);
        }
    }

    private void skipHeader(int count) throws IOException {
        for (int i = 0; i < count; i++) {
            headerByte();
        }
    }

    private int headerByte() throws IOException {
        int read = readByte();
        crc.update(read);
        return read;
    }

    private void endMember() throws IOException {
        next = end - inflater.getRemaining();
        require(readInt() == (int) crc.getValue());
        require(readInt() == (int) inflater.getBytesWritten()); // modulo 2^32
        inMember = false;
        afterMember = true;
    }

    private int readInt() throws IOException {
        return readByte() | readByte() << 8 | readByte() << 16 | readByte() << 24;
    }

    private int readByte() throws IOException {
        int read = peek();
        require(read >= 0);
        next++;
        return read;
    }

    /** The next byte of the body, or -1 at its end. */
    private int peek() throws IOException {
        return next < end || fill() ? buffer[next] & 0xff : -1;
    }

    private boolean fill() throws IOException {
        next = 0;
        end = Math.max(0, body.read(buffer));
        return end > 0;
    }

    private static void require(boolean gzip) {
        if (!gzip) {
            throw notGzip();
        }
    }

    private static BrokenRequestException notGzip() {
        return BrokenRequestException.damaged("is not gzip");
    }

    @Override
    public void close() throws IOException {
        inflater.end();
        body.close();
    }
}
