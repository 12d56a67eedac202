package io.ncc.checkin.receiver;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.ncc.checkin.service.ClientAddress;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.time.Duration;
import org.springframework.http.HttpHeaders;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests of a client that sends more than so many a second, whatever is wrong with them besides. Each receiver counts by itself. A client is
 * the caller that its token names; without a token it is its address, of IPv6 the first 64 bits, which are one subscriber's. The headers are those of the IETF's
 * <a href="https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/">draft</a>.
 */
final class RateLimit extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final int MOST_CLIENTS = 100_000;

    private final int perSecond;
    private final transient HandlerExceptionResolver problems;
    private final transient Cache<String, Bucket> clients = Caffeine.newBuilder()
            .maximumSize(MOST_CLIENTS)
            .expireAfterAccess(Duration.ofMinutes(1)) // long after the bucket is full again
            .build();

    /** @param perSecond 1 or more */
    RateLimit(int perSecond, HandlerExceptionResolver problems) {
        this.perSecond = perSecond;
        this.problems = problems;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (isForRouteOfCheckins(request)) {
            limit(request, response, chain);
        } else {
            chain.doFilter(request, response);
        }
    }

    /** Counts a request, whatever it is for. */
    void limit(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        Bucket bucket = clients.get(clientOf(request), client -> newBucket());
        ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
        response.setHeader("RateLimit-Policy", "\"client\";q=" + perSecond + ";w=1");
        response.setHeader(
                "RateLimit",
                "\"client\";r=" + probe.getRemainingTokens() + ";t=" + seconds(probe.getNanosToWaitForReset()));
        if (probe.isConsumed()) {
            chain.doFilter(request, response);
        } else {
            problems.resolveException(request, response, null, refusal(probe));
        }
    }

    /** Whether a request without a caller would be refused. */
    boolean isUsedUp(HttpServletRequest request) {
        Bucket bucket = clients.getIfPresent(ClientAddress.of(request.getRemoteAddr()));
        return bucket != null && bucket.getAvailableTokens() == 0;
    }

    private static boolean isForRouteOfCheckins(HttpServletRequest request) {
        String path = request.getServletPath();
        return path.equals("/checkins") || path.startsWith("/checkins/") || path.equals("/api/checkin");
    }

    private ErrorResponseException refusal(ConsumptionProbe probe) {
        ErrorResponseException problem =
                ProblemType.TOO_MANY_REQUESTS.exception("A client may send " + perSecond + " requests a second.");
        problem.getHeaders()
                .set(HttpHeaders.RETRY_AFTER, Long.toString(Math.max(1, seconds(probe.getNanosToWaitForRefill()))));
        return problem;
    }

    private static String clientOf(HttpServletRequest request) {
        Caller caller = Caller.of(request);
        return caller == null
                ? ClientAddress.of(request.getRemoteAddr())
                : "caller " + caller.name(); // no address has a space
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
