package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests that change something and that a page of another site makes in the browser of someone who visits it. A browser says where such a
 * request comes from, by {@code Sec-Fetch-Site} or, if it is an older one or the address isn't secure, by {@code Origin}. Programs send neither.
 *
 * @see <a href="https://www.w3.org/TR/fetch-metadata/">Fetch Metadata Request Headers</a>
 */
final class ForeignPages extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    /** {@code none}: by hand, such as from a bookmark. */
    private static final Set<String> OWN_SITES = Set.of("same-origin", "none");

    private final transient HandlerExceptionResolver problems;
    private final Set<String> allowedOrigins;

    ForeignPages(HandlerExceptionResolver problems, Set<String> allowedOrigins) {
        this.problems = problems;
        this.allowedOrigins = allowedOrigins;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (SAFE_METHODS.contains(request.getMethod()) || !isForeign(request)) {
            chain.doFilter(request, response);
        } else {
            problems.resolveException(request, response, null, ProblemType.FOREIGN_PAGE.exception());
        }
    }

    private boolean isForeign(HttpServletRequest request) {
        String origin = request.getHeader("Origin");
        if (origin != null && allowedOrigins.contains(origin)) {
            return false;
        }
        String site = request.getHeader("Sec-Fetch-Site");
        if (site != null) {
            return !OWN_SITES.contains(site);
        }
        return origin != null && !isSame(origin, request.getHeader("Host"));
    }

    /** Without the scheme, which a proxy may have changed. */
    private static boolean isSame(String origin, @Nullable String host) {
        int authority = origin.indexOf("://");
        return authority >= 0 && host != null && origin.substring(authority + 3).equalsIgnoreCase(host);
    }
}
