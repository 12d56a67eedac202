package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.web.ErrorResponseException;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectReader;

/** The checkins of a batch, one after the other as they arrive. */
interface BatchReader {

    /**
     * The next checkin.
     *
     * @return null at the end
     * @throws InvalidCheckinException if what came is none; the one after it can be read
     * @throws ErrorResponseException a problem, if the rest of the body can't be read
     * @throws IOException if the client is gone
     */
    @Nullable
    Checkin next() throws InvalidCheckinException, IOException;

    private static ErrorResponseException broken(InvalidMember error) {
        return ProblemType.invalidMembers(List.of(error));
    }

    /** What the body itself threw may come wrapped. */
    private static RuntimeException brokenBy(JacksonException e) {
        for (Throwable cause = e.getCause(); cause != null; cause = cause.getCause()) {
            if (cause instanceof ErrorResponseException problem) {
                return problem;
            }
        }
        return broken(InvalidMember.of(e));
    }

    /** The elements of a JSON array. */
    final class OfArray implements BatchReader {

        private static final InvalidMember NO_ARRAY = new InvalidMember("", "must be one JSON array");

        private final InputStream body;
        private final ObjectReader reader;
        private @Nullable JsonParser parser;

        OfArray(InputStream body, ObjectReader reader) {
            this.body = body;
            this.reader = reader.without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS); // more elements follow
        }

        @Override
        public @Nullable Checkin next() throws InvalidCheckinException {
            try {
                if (parser == null) {
                    parser = begin();
                }
                JsonToken token = parser.nextToken();
                if (token == JsonToken.END_ARRAY) {
                    if (parser.nextToken() != null) {
                        throw broken(NO_ARRAY);
                    }
                    return null;
                }
                if (token != JsonToken.START_OBJECT) {
                    parser.skipChildren();
                    throw new InvalidCheckinException(List.of(new InvalidMember("", "must be one JSON object")));
                }
                return readObject(parser);
            } catch (JacksonException e) {
                throw brokenBy(e);
            }
        }

        /** Reads already: the first bytes tell the encoding. */
        private JsonParser begin() {
            JsonParser begun = reader.createParser(body);
            if (begun.nextToken() != JsonToken.START_ARRAY) {
                throw broken(NO_ARRAY);
            }
            return begun;
        }

        private Checkin readObject(JsonParser parser) throws InvalidCheckinException {
            try {
                CheckinRequest request = reader.readValue(parser);
                return request.toCheckin();
            } catch (DatabindException | InputCoercionException e) { // a number out of range is the latter
                if (e.getCause() != null) {
                    throw e; // not about this element
                }
                while (parser.streamReadContext().getNestingDepth() > 1) {
                    parser.nextToken();
                }
                throw new InvalidCheckinException(List.of(InvalidMember.of(e)));
            }
        }
    }

    /** The lines of <a href="https://github.com/ndjson/ndjson-spec">NDJSON</a>. One that is broken doesn't spoil the others. */
    final class OfLines implements BatchReader {

        private final InputStream body;
        private final ObjectReader reader;
        private final byte[] line;

        /** @param longest in bytes */
        OfLines(InputStream body, ObjectReader reader, int longest) {
            this.body = new BufferedInputStream(body);
            this.reader = reader;
            this.line = new byte[longest];
        }

        @Override
        public @Nullable Checkin next() throws InvalidCheckinException, IOException {
            int length = 0;
            boolean blank = true;
            for (int next = body.read(); next >= 0; next = body.read()) {
                if (next == '\n' && !blank) {
                    return parse(length);
                }
                if (next == '\n') {
                    length = 0; // an empty line is no checkin
                    continue;
                }
                if (length < line.length) {
                    line[length] = (byte) next;
                }
                length++;
                blank &= next == ' ' || next == '\t' || next == '\r';
            }
            return blank ? null : parse(length);
        }

        private Checkin parse(int length) throws InvalidCheckinException {
            if (length > line.length) {
                String message = "is longer than " + line.length + " bytes";
                throw new InvalidCheckinException(List.of(new InvalidMember("", message)));
            }
            try {
                CheckinRequest request = reader.readValue(line, 0, length);
                if (request == null) {
                    throw new InvalidCheckinException(List.of(new InvalidMember("", "must be one JSON object")));
                }
                return request.toCheckin();
            } catch (JacksonException e) {
                throw new InvalidCheckinException(List.of(InvalidMember.of(e)));
            }
        }
    }
}
