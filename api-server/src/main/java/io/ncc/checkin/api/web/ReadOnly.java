package io.ncc.checkin.api.web;

import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Set;
import org.springframework.stereotype.Component;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** With {@code checkin.api.read-only}, refuses every request that could change something, by its method: whatever routes there are. */
@Component
final class ReadOnly extends HttpFilter {

    private static final long serialVersionUID = 1;
    private static final Set<String> SAFE_METHODS = Set.of("GET", "HEAD", "OPTIONS", "TRACE");

    private final boolean readOnly;
    private final transient HandlerExceptionResolver handlerExceptionResolver;

    ReadOnly(ApiProperties properties, HandlerExceptionResolver handlerExceptionResolver) {
        this.readOnly = properties.readOnly();
        this.handlerExceptionResolver = handlerExceptionResolver;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        if (readOnly && !SAFE_METHODS.contains(request.getMethod())) {
            handlerExceptionResolver.resolveException(request, response, null, ProblemType.READ_ONLY.exception());
        } else {
            chain.doFilter(request, response);
        }
    }
}
