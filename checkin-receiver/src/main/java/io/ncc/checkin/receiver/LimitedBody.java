package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.time.Duration;
import org.springframework.util.unit.DataSize;
import org.springframework.web.ErrorResponseException;

/** The body of a request, with a limit on its size and on the total time that a reader waits for it. */
final class LimitedBody extends FilterInputStream {

    private final long limit;
    private long left;

    /** How long reading may still take, in nanoseconds. Between two reads the client waits for the reader. */
    private long timeLeft;

    /** @param limit in bytes */
    LimitedBody(InputStream in, long limit, Duration timeout) {
        this(in, limit, timeout.toNanos());
    }

    /**
     * Without a limit of time.
     *
     * @param limit in bytes
     */
    LimitedBody(InputStream in, long limit) {
        this(in, limit, Long.MAX_VALUE);
    }

    private LimitedBody(InputStream in, long limit, long timeLeft) {
        super(in);
        this.limit = limit;
        this.left = limit;
        this.timeLeft = timeLeft;
    }

    /** @throws ErrorResponseException a problem, if the request says beforehand that its body is larger */
    static LimitedBody of(HttpServletRequest request, DataSize limit, Duration timeout) throws IOException {
        requireAtMost(limit, request);
        return new LimitedBody(request.getInputStream(), limit.toBytes(), timeout);
    }

    /** @throws ErrorResponseException a problem, if the request says that its body is larger */
    static void requireAtMost(DataSize limit, HttpServletRequest request) {
        if (request.getContentLengthLong() > limit.toBytes()) {
            throw tooLarge(limit);
        }
    }

    static ErrorResponseException tooLarge(DataSize limit) {
        return ProblemType.CONTENT_TOO_LARGE.exception("The body may have at most " + limit.toBytes() + " bytes.");
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    /** @throws ErrorResponseException a problem, if a limit is passed; a {@link BrokenRequestException} if nothing more can be read */
    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        int count;
        long start = System.nanoTime();
        try {
            // a byte more than allowed tells a body that is too long from one that ends there
            count = super.read(buffer, offset, (int) Math.min(length, left + 1));
        } catch (IOException e) {
            throw BrokenRequestException.of(e);
        }
        timeLeft -= System.nanoTime() - start;
        if (count > left) {
            throw tooLarge(DataSize.ofBytes(limit));
        }
        if (count > 0 && timeLeft < 0) {
            throw ProblemType.REQUEST_TIMEOUT.exception();
        }
        left -= Math.max(0, count);
        return count;
    }

    @Override
    public long skip(long count) throws IOException {
        return readNBytes((int) Math.min(count, 8192)).length;
    }

    @Override
    public boolean markSupported() {
        return false;
    }
}
