package io.ncc.checkin.service.security;

import jakarta.servlet.http.HttpServletRequest;
import java.util.function.Predicate;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.web.servlet.HandlerExecutionChain;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.resource.ResourceHttpRequestHandler;
import org.springframework.web.util.ServletRequestPathUtils;

/** Tells requests that have a route, whether it is in the contract or not. A file is no route. */
final class MappedRoutes implements Predicate<HttpServletRequest> {

    private final ObjectProvider<HandlerMapping> mappings;

    MappedRoutes(ObjectProvider<HandlerMapping> mappings) {
        this.mappings = mappings;
    }

    @Override
    public boolean test(HttpServletRequest request) {
        ServletRequestPathUtils.parseAndCache(request); // the dispatcher, which does so, comes later
        return mappings.stream().anyMatch(mapping -> isIn(mapping, request));
    }

    private static boolean isIn(HandlerMapping mapping, HttpServletRequest request) {
        try {
            HandlerExecutionChain handler = mapping.getHandler(request);
            return handler != null && !(handler.getHandler() instanceof ResourceHttpRequestHandler);
        } catch (Exception e) {
            return true; // it is there, but not for this method or type
        }
    }
}
