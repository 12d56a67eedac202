package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.ServletRequest;
import jakarta.servlet.ServletRequestWrapper;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests that come through a proxy, while the service listens on the loopback address because it asks nobody for a token: the proxy is on this
 * machine, its clients needn't be. No header makes a caller local: who reaches the loopback address is.
 */
final class LocalCallers extends HttpFilter {

    private static final long serialVersionUID = 1;

    private final transient HandlerExceptionResolver problems;

    LocalCallers(HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (wasForwarded(request)) {
            problems.resolveException(request, response, null, ProblemType.PROTECTED_MODE.exception());
        } else {
            chain.doFilter(request, response);
        }
    }

    /** Also if a filter of {@code server.forward-headers-strategy=framework} hides the headers. */
    private static boolean wasForwarded(HttpServletRequest wrapped) {
        HttpServletRequest request = unwrapped(wrapped);
        return request.getHeader("X-Forwarded-For") != null || request.getHeader("Forwarded") != null;
    }

    private static HttpServletRequest unwrapped(HttpServletRequest request) {
        ServletRequest inner = request;
        while (inner instanceof ServletRequestWrapper wrapper) {
            inner = wrapper.getRequest();
        }
        return (HttpServletRequest) inner;
    }
}
