package io.ncc.checkin.service;

import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.webmvc.autoconfigure.WebMvcRegistrations;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.servlet.mvc.condition.PathPatternsRequestCondition;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;

/** How Spring finds the controller method of a request, and what it does with the value that the method returns. */
final class HandlerMethods implements WebMvcRegistrations {

    private final AsyncAnswers answers;

    HandlerMethods(AsyncAnswers answers) {
        this.answers = answers;
    }

    @Override
    public RequestMappingHandlerMapping getRequestMappingHandlerMapping() {
        return new PathFirst();
    }

    @Override
    public RequestMappingHandlerAdapter getRequestMappingHandlerAdapter() {
        return new RequestMappingHandlerAdapter() {
            @Override
            public void afterPropertiesSet() {
                super.afterPropertiesSet();
                List<HandlerMethodReturnValueHandler> handlers = new ArrayList<>();
                handlers.add(answers); // before Spring's own
                handlers.addAll(Objects.requireNonNull(getReturnValueHandlers()));
                setReturnValueHandlers(handlers);
            }
        };
    }

    /**
     * Compares a request with the routes that begin like its path, and looks at the path of a route first. For a path with variables Spring asks every route, and
     * looks at the path last, after the media types and all the rest. With some fifty routes that takes a quarter of the CPU time of {@code GET /users/{id}}.
     */
    private static final class PathFirst extends RequestMappingHandlerMapping {

        private final PathIndex<Route> routes = new PathIndex<>();

        private record Route(RequestMappingInfo info, HandlerMethod method) {}

        @Override
        public void afterPropertiesSet() {
            super.afterPropertiesSet();
            getHandlerMethods()
                    .forEach((info, method) ->
                            info.getPatternValues().forEach(path -> routes.add(path, new Route(info, method))));
        }

        @Override
        protected @Nullable HandlerMethod lookupHandlerMethod(String path, HttpServletRequest request)
                throws Exception {
            HandlerMethod method = null;
            RequestMappingInfo only = null;
            for (Route route : routes.candidates(path)) {
                RequestMappingInfo match = getMatchingMapping(route.info, request);
                if (match != null && only != null) {
                    return super.lookupHandlerMethod(path, request); // which knows the better one
                } else if (match != null) {
                    only = match;
                    method = route.method;
                }
            }
            if (method == null || only == null) {
                return super.lookupHandlerMethod(path, request); // which knows what is wrong
            }
            request.setAttribute(BEST_MATCHING_HANDLER_ATTRIBUTE, method);
            handleMatch(only, path, request);
            return method;
        }

        @Override
        protected @Nullable RequestMappingInfo getMatchingMapping(RequestMappingInfo info, HttpServletRequest request) {
            PathPatternsRequestCondition paths = info.getPathPatternsCondition();
            return paths != null && paths.getMatchingCondition(request) == null
                    ? null
                    : super.getMatchingMapping(info, request);
        }
    }
}
