package io.ncc.checkin.service;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.MethodParameter;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;

/**
 * Refuses query parameters that a route doesn't have, those that are given twice, and those in a form, which isn't read: a misspelled filter would
 * otherwise be no filter. What a route has is what its controller method declares with {@link RequestParam}.
 */
public final class QueryParameters implements HandlerInterceptor, WebMvcConfigurer {

    private static final String OURS = "io.ncc.checkin.";
    private static final DefaultParameterNameDiscoverer NAMES = new DefaultParameterNameDiscoverer();

    private final Map<Method, Set<String>> known = new ConcurrentHashMap<>();

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this);
    }

    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler) {
        if (handler instanceof HandlerMethod method
                && method.getBeanType().getName().startsWith(OURS)) {
            requireNoForm(request);
            Map<String, String[]> given = request.getParameterMap();
            if (!given.isEmpty()) {
                check(given, method);
            }
        }
        return true;
    }

    /** For a handler that is no method, and has no query parameters. */
    public static void requireNone(HttpServletRequest request) {
        if (request.getQueryString() != null) {
            request.getParameterMap().keySet().forEach(name -> {
                throw ProblemType.invalidParameter(name, unknown(Set.of()));
            });
        }
    }

    private static void requireNoForm(HttpServletRequest request) {
        if (request.getMethod().equals("POST")
                && request.getContentLengthLong() != 0
                && request.getContentType() != null
                && request.getContentType().startsWith(MediaType.APPLICATION_FORM_URLENCODED_VALUE)) {
            throw ProblemType.INVALID_REQUEST.exception(
                    "Parameters are taken from the query only. The request has a form.");
        }
    }

    private void check(Map<String, String[]> given, HandlerMethod method) {
        Set<String> names = known.computeIfAbsent(method.getMethod(), unused -> names(method));
        for (Map.Entry<String, String[]> parameter : given.entrySet()) {
            if (!names.contains(parameter.getKey())) {
                throw ProblemType.invalidParameter(parameter.getKey(), unknown(names));
            }
            if (parameter.getValue().length > 1) {
                throw ProblemType.invalidParameter(parameter.getKey(), "must be given once");
            }
        }
    }

    private static Set<String> names(HandlerMethod method) {
        return Arrays.stream(method.getMethodParameters())
                .filter(parameter -> parameter.hasParameterAnnotation(RequestParam.class))
                .map(QueryParameters::name)
                .collect(Collectors.toCollection(LinkedHashSet::new));
    }

    private static String name(MethodParameter parameter) {
        RequestParam annotation = parameter.getParameterAnnotation(RequestParam.class);
        if (annotation != null && !annotation.name().isEmpty()) {
            return annotation.name();
        }
        parameter.initParameterNameDiscovery(NAMES);
        return String.valueOf(parameter.getParameterName());
    }

    private static String unknown(Set<String> names) {
        return names.isEmpty()
                ? "is not known: there are no query parameters here"
                : "is not known: there are " + String.join(", ", names);
    }
}
