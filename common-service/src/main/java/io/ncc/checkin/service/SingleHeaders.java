package io.ncc.checkin.service;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Enumeration;
import java.util.List;
import org.springframework.http.HttpHeaders;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests with a header more than once that can only have one value (<a href="https://www.rfc-editor.org/rfc/rfc9110#section-5.3">RFC 9110, section
 * 5.3</a>). Joined with a comma two keys would be a third, and of two media types a program on the way could see another than the service.
 */
final class SingleHeaders extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final List<String> NAMES = List.of(HttpHeaders.CONTENT_TYPE, "Idempotency-Key", "Last-Event-ID");

    private final transient HandlerExceptionResolver problems;

    SingleHeaders(HandlerExceptionResolver problems) {
        this.problems = problems;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        for (String name : NAMES) {
            Enumeration<String> lines = request.getHeaders(name);
            if (lines.hasMoreElements() && lines.nextElement() != null && lines.hasMoreElements()) {
                problems.resolveException(
                        request, response, null, ProblemType.invalidParameter(name, "must be there only once"));
                return;
            }
        }
        chain.doFilter(request, response);
    }
}
