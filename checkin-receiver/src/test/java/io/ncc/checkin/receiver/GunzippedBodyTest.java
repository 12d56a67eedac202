package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.zip.CRC32;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.ErrorResponseException;

final class GunzippedBodyTest {

    private static final String FIRST = "{\"userId\":1}\n".repeat(20);
    private static final String SECOND = "{\"userId\":2}\n".repeat(20);

    private static byte[] gzip(String text) {
        var zipped = new ByteArrayOutputStream();
        try (var out = new GZIPOutputStream(zipped)) {
            out.write(text.getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new AssertionError("into memory", e);
        }
        return zipped.toByteArray();
    }

    /** A member whose header has everything that a header can have. */
    private static byte[] withFullHeader(byte[] member) {
        var header = new ByteArrayOutputStream();
        header.writeBytes(new byte[] {0x1f, (byte) 0x8b, 8, 1 | 2 | 4 | 8 | 16, 1, 2, 3, 4, 0, 3});
        header.writeBytes(new byte[] {5, 0, 'e', 'x', 't', 'r', 'a'});
        header.writeBytes("name\0comment\0".getBytes(StandardCharsets.US_ASCII));
        CRC32 crc = new CRC32();
        crc.update(header.toByteArray());
        header.write((int) crc.getValue());
        header.write((int) crc.getValue() >>> 8);
        header.write(member, 10, member.length - 10);
        return header.toByteArray();
    }

    private static byte[] joined(byte[]... parts) {
        var all = new ByteArrayOutputStream();
        for (byte[] part : parts) {
            all.writeBytes(part);
        }
        return all.toByteArray();
    }

    private static String read(byte[] zipped) throws IOException {
        return read(new ByteArrayInputStream(zipped));
    }

    private static String read(InputStream zipped) throws IOException {
        try (InputStream body = new GunzippedBody(zipped)) {
            return new String(body.readAllBytes(), StandardCharsets.US_ASCII);
        }
    }

    private static void assertNotGzip(byte[] zipped) {
        assertThatThrownBy(() -> read(zipped))
                .isInstanceOfSatisfying(
                        ErrorResponseException.class,
                        problem -> assertThat(problem.getBody().getProperties())
                                .hasToString("{errors=[InvalidMember[pointer=, message=is not gzip]]}"));
    }

    @Test
    void membersAreReadOneAfterTheOther() throws IOException {
        byte[] body = joined(gzip(FIRST), withFullHeader(gzip(SECOND)), gzip(""), gzip(FIRST), new byte[512]);
        assertThat(read(body)).isEqualTo(FIRST + SECOND + FIRST);
    }

    @Test
    void itDoesNotMatterInWhichPiecesTheBodyComes() throws IOException {
        byte[] body = joined(gzip(FIRST), withFullHeader(gzip(SECOND)), new byte[2]);
        InputStream byteByByte = new InputStream() {
            private int next;

            @Override
            public int read() {
                return next < body.length ? body[next++] & 0xff : -1;
            }

            @Override
            public int read(byte[] to, int offset, int length) {
                int read = read();
                to[offset] = (byte) read;
                return read < 0 ? -1 : 1;
            }
        };
        assertThat(read(byteByByte)).isEqualTo(FIRST + SECOND);
    }

    /** What no checksum covers, such as the time in a header, may change. What is read never does. */
    @Test
    void whicheverBitIsFlippedNothingOfTheContentIsLostInSilence() throws IOException {
        byte[] body = joined(gzip(FIRST), withFullHeader(gzip(SECOND)), gzip(FIRST));
        int refused = 0;
        for (int bit = 0; bit < 8 * body.length; bit++) {
            byte[] flipped = body.clone();
            flipped[bit / 8] ^= (byte) (1 << bit % 8);
            try {
                assertThat(read(flipped)).as("bit %s", bit).isEqualTo(FIRST + SECOND + FIRST);
            } catch (ErrorResponseException e) {
                refused++;
            }
        }
        // all but the time, the extra flags and the system of two headers, the bits that say that it is text, and what
        // fills up a last byte
        assertThat(refused).isGreaterThanOrEqualTo(8 * (body.length - 2 * 6) - 2 - 3 * 7);
    }

    @Test
    void whereverItIsCutIsNoticed() throws IOException {
        byte[] first = gzip(FIRST);
        byte[] body = joined(first, withFullHeader(gzip(SECOND)));
        for (int length = 0; length < body.length; length++) {
            if (length == first.length) {
                assertThat(read(first)).isEqualTo(FIRST);
            } else {
                assertNotGzip(Arrays.copyOf(body, length));
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"x", "\0x", "\0\0\u001f", "{\"userId\":1}\n"})
    void whatFollowsAMemberAndIsNoneIsNoticed(String trailing) {
        assertNotGzip(joined(gzip(FIRST), trailing.getBytes(StandardCharsets.US_ASCII)));
    }

    @Test
    void zerosMayFollowTheLastMemberAndNothingAfterThem() throws IOException {
        assertThat(read(joined(gzip(FIRST), new byte[20_000]))).isEqualTo(FIRST);
        assertNotGzip(joined(gzip(FIRST), new byte[20_000], gzip(SECOND)));
        assertNotGzip(new byte[20]);
    }

    @Test
    void manyEmptyMembersAreRead() throws IOException {
        var all = new ByteArrayOutputStream();
        for (int i = 0; i < 20_000; i++) {
            all.writeBytes(gzip(""));
        }
        all.writeBytes(gzip(FIRST));
        assertThat(read(all.toByteArray())).isEqualTo(FIRST);
    }
}
