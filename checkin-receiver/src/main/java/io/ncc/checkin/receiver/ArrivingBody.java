package io.ncc.checkin.receiver;

import io.ncc.checkin.service.Http11;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.ReadListener;
import jakarta.servlet.ServletInputStream;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;
import org.springframework.util.unit.DataSize;
import org.springframework.web.ErrorResponseException;

/** The body of a single checkin while it arrives. No thread waits for it: each part is read by the thread of Tomcat's that learns of it. */
final class ArrivingBody implements ReadListener {

    private final ServletInputStream in;
    private final DataSize limit;
    private final long deadline;
    private final RequestMemory.Claim claim;
    private final CompletableFuture<byte[]> content = new CompletableFuture<>();

    /** What has arrived. If the request doesn't say the length, there is one byte more than allowed, which tells a body that is too long. */
    private final byte[] bytes;

    private final boolean lengthIsKnown;

    /** How many bytes have arrived, which may be more than there is room for. */
    private long count;

    /** @throws ErrorResponseException a problem, if it is too large, or if all requests together would hold too much memory */
    ArrivingBody(HttpServletRequest request, DataSize limit, Duration timeout, RequestMemory memory)
            throws IOException {
        LimitedBody.requireAtMost(limit, request);
        int length = request.getContentLength(); // -1 if the request doesn't say
        this.lengthIsKnown = length >= 0;
        int most = lengthIsKnown ? length : Math.toIntExact(limit.toBytes()) + 1;
        this.claim = memory.claim(most);
        this.bytes = new byte[most];
        this.in = request.getInputStream();
        Http11.goOn(request);
        this.limit = limit;
        this.deadline = System.nanoTime() + timeout.toNanos();
    }

    /**
     * Reads what is there already. Most bodies come with their headers, and are whole then.
     *
     * @throws BrokenRequestException if that can't be read
     */
    boolean isThere() {
        boolean whole = false;
        try {
            if (bytes.length > 0 && in.available() > 0) {
                int read = in.read(bytes, 0, bytes.length);
                count = Math.max(0, read);
                whole = read < 0;
            }
        } catch (IOException e) {
            claim.close();
            throw BrokenRequestException.of(e);
        }
        whole |= lengthIsKnown && count == bytes.length;
        if (whole) {
            onAllDataRead();
        }
        return whole;
    }

    /** Reads the rest as it comes. The request must be asynchronous by then. */
    void readOn() {
        in.setReadListener(this);
    }

    /** Completes with the whole body, or with a problem: a {@link BrokenRequestException} if the client is gone or silent. */
    CompletableFuture<byte[]> content() {
        return content;
    }

    @Override
    public void onDataAvailable() {
        try {
            while (!in.isFinished() && in.isReady()) {
                // what is too long is read to its end, over the last byte, or the client would see no answer but a
                // reset
                int from = (int) Math.min(count, bytes.length - 1);
                count += Math.max(0, in.read(bytes, from, bytes.length - from));
                if (System.nanoTime() - deadline > 0) {
                    fail(ProblemType.REQUEST_TIMEOUT.exception());
                    return;
                }
            }
        } catch (IOException e) {
            onError(e);
        }
    }

    @Override
    public void onAllDataRead() {
        claim.close();
        if (count > limit.toBytes()) {
            fail(LimitedBody.tooLarge(limit));
        } else {
            content.complete(count == bytes.length ? bytes : Arrays.copyOf(bytes, (int) count));
        }
    }

    @Override
    public void onError(Throwable failure) {
        fail(BrokenRequestException.of(failure instanceof IOException e ? e : new IOException(failure)));
    }

    private void fail(ErrorResponseException problem) {
        claim.close();
        content.completeExceptionally(problem);
    }
}
