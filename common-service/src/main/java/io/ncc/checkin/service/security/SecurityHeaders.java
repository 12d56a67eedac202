package io.ncc.checkin.service.security;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.List;

/**
 * The headers that keep a browser from making more of an answer than it is: from showing it in a frame of another site, giving it to another site's page,
 * keeping it, or taking it for a page.
 *
 * <p>Those of Spring Security are written when the answer is sent, which needs a wrapper around each.
 */
final class SecurityHeaders extends HttpFilter {

    private static final long serialVersionUID = 1;

    private static final String NO_PAGE = "default-src 'none'; frame-ancestors 'none'";

    private final transient List<Pages> pages;

    SecurityHeaders(List<Pages> pages) {
        this.pages = List.copyOf(pages);
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        response.setHeader("X-Content-Type-Options", "nosniff");
        if (request.getMethod().equals("GET") || request.getMethod().equals("HEAD")) {
            String path =
                    request.getRequestURI().substring(request.getContextPath().length());
            String policy = Pages.policyOf(path, pages);
            response.setHeader("Cache-Control", policy == null ? "no-store" : "no-cache");
            response.setHeader("Content-Security-Policy", policy == null ? NO_PAGE : policy);
            response.setHeader("Cross-Origin-Opener-Policy", "same-origin");
            response.setHeader("Cross-Origin-Resource-Policy", "same-origin");
            response.setHeader("Referrer-Policy", "no-referrer");
        }
        chain.doFilter(request, response);
    }
}
