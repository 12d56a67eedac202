package io.ncc.checkin.service;

import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Enumeration;
import java.util.List;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests with a header more than once that can only have one value (<a href="https://www.rfc-editor.org/rfc/rfc9110#section-5.3">RFC 9110, section
 * 5.3</a>). Joined with a comma two keys would be a third, and of two media types or tokens a program on the way could see another than the service.
 */
public final class SingleHeaders extends HttpFilter {

    private static final long serialVersionUID = 1;

    private final transient HandlerExceptionResolver problems;
    private final transient List<String> names;

    /** @param names of the headers */
    public SingleHeaders(HandlerExceptionResolver problems, String... names) {
        this.problems = problems;
        this.names = List.of(names);
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        for (String name : names) {
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
