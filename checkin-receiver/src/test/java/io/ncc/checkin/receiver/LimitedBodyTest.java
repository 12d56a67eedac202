package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.service.ProblemType;
import java.io.ByteArrayInputStream;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.ErrorResponseException;

final class LimitedBodyTest {

    private static final int LIMIT = 10_000;
    private static final Duration LONG = Duration.ofMinutes(1);

    @ParameterizedTest
    @ValueSource(ints = {0, 1, LIMIT - 1, LIMIT})
    void aBodyWithinTheLimitIsReadToItsEnd(int length) throws IOException {
        byte[] bytes = new byte[length];
        Arrays.fill(bytes, (byte) 0xff);
        assertThat(new LimitedBody(new ByteArrayInputStream(bytes), LIMIT, LONG).readAllBytes())
                .isEqualTo(bytes);
        LimitedBody oneByOne = new LimitedBody(new ByteArrayInputStream(bytes), LIMIT, LONG);
        for (byte ignored : bytes) {
            assertThat(oneByOne.read()).isEqualTo(0xff);
        }
        assertThat(oneByOne.read()).isEqualTo(-1);
    }

    @Test
    void ofABodyWithoutEndOnlyOneByteMoreThanAllowedIsTaken() {
        Endless endless = new Endless();
        assertThatThrownBy(() -> new LimitedBody(endless, LIMIT, LONG).readAllBytes())
                .satisfies(e -> assertProblem(e, ProblemType.CONTENT_TOO_LARGE));
        assertThat(endless.taken).isEqualTo(LIMIT + 1);
    }

    @Test
    void skippingCountsToo() {
        Endless endless = new Endless();
        LimitedBody body = new LimitedBody(endless, LIMIT, LONG);
        assertThatThrownBy(() -> body.skipNBytes(10 * LIMIT))
                .satisfies(e -> assertProblem(e, ProblemType.CONTENT_TOO_LARGE));
        assertThat(endless.taken).isEqualTo(LIMIT + 1);
    }

    @Test
    void aBodyThatTakesTooLongIsGivenUp() {
        LimitedBody body =
                new LimitedBody(new Endless(), LIMIT, Duration.ofNanos(1).negated());
        assertThatThrownBy(body::read).satisfies(e -> assertProblem(e, ProblemType.REQUEST_TIMEOUT));
    }

    @Test
    void theTimeOfAllReadsIsAddedUp() {
        InputStream slow = new FilterInputStream(new Endless()) {
            @Override
            public int read() throws IOException {
                pause(Duration.ofMillis(20));
                return super.read();
            }

            @Override
            public int read(byte[] into, int from, int length) throws IOException {
                into[from] = (byte) read();
                return 1;
            }
        };
        LimitedBody body = new LimitedBody(slow, LIMIT, Duration.ofMillis(200));
        assertThatThrownBy(() -> {
                    for (int i = 0; i < 20; i++) {
                        body.read();
                    }
                })
                .satisfies(e -> assertProblem(e, ProblemType.REQUEST_TIMEOUT));
    }

    @Test
    void theTimeBetweenReadsDoesNotCount() throws IOException {
        LimitedBody body = new LimitedBody(new Endless(), LIMIT, Duration.ofMillis(200));
        assertThat(body.read()).isZero();
        pause(Duration.ofMillis(300));
        assertThat(body.read()).isZero();
    }

    private static void pause(Duration time) {
        try {
            Thread.sleep(time.toMillis());
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    private static void assertProblem(Throwable thrown, ProblemType type) {
        assertThat(thrown).isInstanceOf(ErrorResponseException.class);
        assertThat(((ErrorResponseException) thrown).getBody().getType())
                .isEqualTo(type.problem().getType());
    }

    private static final class Endless extends InputStream {

        private long taken;

        @Override
        public int read() {
            taken++;
            return ' ';
        }

        @Override
        public int read(byte[] buffer, int offset, int length) {
            taken += length;
            return length;
        }
    }
}
