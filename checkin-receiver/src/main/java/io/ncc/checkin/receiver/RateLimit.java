package io.ncc.checkin.receiver;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.servlet.HandlerInterceptor;

/**
 * Refuses requests of a client that sends more than so many a second. Each receiver counts by itself, and a client is its address. The headers are
 * those of the IETF's <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/">draft</a>.
 */
final class RateLimit implements HandlerInterceptor {

    private static final int MOST_CLIENTS = 100_000;

    private final int perSecond;
    private final Cache<String, Bucket> clients = Caffeine.newBuilder()
            .maximumSize(MOST_CLIENTS)
            .expireAfterAccess(Duration.ofMinutes(1)) // long after the bucket is full again
            .build();

    /** @param perSecond 1 or more */
    RateLimit(int perSecond) {
        this.perSecond = perSecond;
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        Bucket bucket = clients.get(request.getRemoteAddr(), client -> newBucket());
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        response.setHeader("RateLimit-Policy", "\"client\";q=" + perSecond + ";w=1");
        response.setHeader(
                "RateLimit",
                "\"client\";r=" + probe.getRemainingTokens() + ";t=" + seconds(probe.getNanosToWaitForReset()));
        if (!probe.isConsumed()) {
            ErrorResponseException problem =
                    ProblemType.TOO_MANY_REQUESTS.exception("A client may send " + perSecond + " requests a second.");
            problem.getHeaders()
                    .set(HttpHeaders.RETRY_AFTER, Long.toString(Math.max(1, seconds(probe.getNanosToWaitForRefill()))));
            throw problem;
        }
        return true;
    }

    private Bucket newBucket() {
        return Bucket.builder()
                .addLimit(limit -> limit.capacity(perSecond).refillGreedy(perSecond, Duration.ofSeconds(1)))
                .build();
    }

    private static long seconds(long nanos) {
        return Duration.ofNanos(nanos + 999_999_999).toSeconds();
    }
}
