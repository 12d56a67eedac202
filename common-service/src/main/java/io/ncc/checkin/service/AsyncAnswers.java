package io.ncc.checkin.service;

import io.ncc.redis.RedisCondition;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.boot.webmvc.autoconfigure.WebMvcRegistrations;
import org.springframework.core.MethodParameter;
import org.springframework.core.Ordered;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.method.support.ModelAndViewContainer;
import org.springframework.web.servlet.HandlerInterceptor;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerAdapter;
import tools.jackson.databind.json.JsonMapper;

/**
 * Handles controller methods that return a {@link CompletionStage}: the thread that completes the stage writes its value as JSON. No thread waits
 * meanwhile, because a few busy threads are faster than many that wait. Spring supports such methods, too, but dispatches every request a second
 * time. This class dispatches only a failed request again, so that its failure is handled like any other.
 *
 * <p>Methods that declare a {@link java.util.concurrent.CompletableFuture} are left to Spring, which writes the JSON in a Tomcat thread. Use that for
 * responses that may be long: they would block the thread that reads the replies of Redis.
 */
final class AsyncAnswers
        implements HandlerMethodReturnValueHandler, HandlerInterceptor, WebMvcConfigurer, WebMvcRegistrations {

    private static final Logger log = LoggerFactory.getLogger(AsyncAnswers.class);
    private static final String FAILURE = AsyncAnswers.class.getName() + ".failure";
    private static final long NEVER = 0;

    private final JsonMapper mapper;

    AsyncAnswers(JsonMapper mapper) {
        this.mapper = mapper;
    }

    @Override
    public RequestMappingHandlerAdapter getRequestMappingHandlerAdapter() {
        return new RequestMappingHandlerAdapter() {
            @Override
            public void afterPropertiesSet() {
                super.afterPropertiesSet();
                List<HandlerMethodReturnValueHandler> handlers = new ArrayList<>();
                handlers.add(AsyncAnswers.this); // before Spring's own
                handlers.addAll(Objects.requireNonNull(getReturnValueHandlers()));
                setReturnValueHandlers(handlers);
            }
        };
    }

    @Override
    public void addInterceptors(InterceptorRegistry registry) {
        registry.addInterceptor(this).order(Ordered.HIGHEST_PRECEDENCE);
    }

    @Override
    public boolean supportsReturnType(MethodParameter type) {
        return Objects.requireNonNull(type.getMethod()).getReturnType()
                == CompletionStage.class; // the declared type: the value is a future
    }

    @Override
    public void handleReturnValue(
            @Nullable Object stage,
            MethodParameter type,
            ModelAndViewContainer container,
            NativeWebRequest webRequest) {
        container.setRequestHandled(true);
        HttpServletRequest request = Objects.requireNonNull(webRequest.getNativeRequest(HttpServletRequest.class));
        HttpServletResponse response = Objects.requireNonNull(webRequest.getNativeResponse(HttpServletResponse.class));
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(NEVER); // the code that completes the stage has a timeout
        ((CompletionStage<?>) Objects.requireNonNull(stage)).whenComplete((value, failure) -> {
            Throwable unanswered = failure != null ? failure : writeOrFail(value, response);
            if (unanswered == null) {
                context.complete();
            } else {
                request.setAttribute(FAILURE, unanswered);
                context.dispatch();
            }
        });
    }

    private @Nullable Throwable writeOrFail(Object value, HttpServletResponse response) {
        try {
            write(value, response);
            return null;
        } catch (RuntimeException e) {
            return e;
        }
    }

    private void write(Object value, HttpServletResponse response) {
        Object content = value;
        if (value instanceof ResponseEntity<?> entity) {
            response.setStatus(entity.getStatusCode().value());
            entity.getHeaders().forEach((name, values) -> values.forEach(each -> response.addHeader(name, each)));
            content = entity.getBody();
        }
        byte[] body = mapper.writeValueAsBytes(content);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(body.length);
        try {
            // This only fills a buffer. After complete(), a Tomcat thread sends it, and may wait for the client.
            response.getOutputStream().write(body);
        } catch (IOException e) {
            log.debug("A client disconnected before it got its response", e);
        }
    }

    /** On the second dispatch, throws the failure, so that it is handled like an exception of a controller. */
    @Override
    public boolean preHandle(HttpServletRequest request, HttpServletResponse response, Object handler)
            throws Exception {
        if (request.getAttribute(FAILURE) instanceof Throwable failure) {
            Throwable cause = RedisCondition.unwrapped(failure);
            throw cause instanceof Exception exception ? exception : new IllegalStateException(cause);
        }
        return true;
    }
}
