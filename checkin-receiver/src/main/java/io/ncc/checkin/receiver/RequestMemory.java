package io.ncc.checkin.receiver;

import io.micrometer.core.instrument.Gauge;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;
import org.springframework.util.unit.DataSize;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Counts the memory that requests hold while they are received and answered, and refuses what would be too much for all of them together. Batches may
 * have three quarters of it, so that there is always room for single checkins.
 */
final class RequestMemory implements HandlerInterceptor {

    private static final String CLAIM = RequestMemory.class.getName();
    private static final int STEP = 16 * 1024;

    private final AtomicLong held = new AtomicLong();
    private final long most;

    /** @param most for all requests; null for a quarter of the heap */
    RequestMemory(@Nullable DataSize most, MeterRegistry registry) {
        this.most = most == null ? Runtime.getRuntime().maxMemory() / 4 : most.toBytes();
        Gauge.builder("checkin.receiver.request.memory", held, AtomicLong::get)
                .description("Memory that requests hold while they are received and answered")
                .baseUnit("bytes")
                .register(registry);
    }

    /** The memory of a single checkin, which the caller gives back. */
    Claim claim(long bytes) {
        return new Claim(bytes, most);
    }

    /** The memory of a batch, which is given back when the request has been answered. */
    Claim claimOfBatch(HttpServletRequest request, long bytes) {
        Claim claim = new Claim(bytes, most - most / 4);
        request.setAttribute(CLAIM, claim);
        return claim;
    }

    @Override
    public void afterCompletion(
            HttpServletRequest request, HttpServletResponse response, Object handler, @Nullable Exception failure) {
        if (request.getAttribute(CLAIM) instanceof Claim claim) {
            claim.close();
        }
    }

    /** What one request holds. */
    final class Claim {

        private final long limit;
        private long bytes;
        private long notCounted;

        /** @throws ErrorResponseException a problem, if all requests together would hold more than the limit */
        private Claim(long bytes, long limit) {
            this.limit = limit;
            count(bytes);
        }

        /**
         * Holds more.
         *
         * @throws ErrorResponseException a problem, if all requests together would hold too much
         */
        void grow(long more) {
            notCounted += more;
            if (notCounted >= STEP) {
                count(notCounted);
                notCounted = 0;
            }
        }

        private void count(long more) {
            if (held.addAndGet(more) > limit) {
                held.addAndGet(-more);
                throw ProblemType.OVERLOADED.exception();
            }
            bytes += more;
        }

        /** Gives it all back. */
        void close() {
            held.addAndGet(-bytes);
            bytes = 0;
        }
    }
}
