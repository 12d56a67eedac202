package io.ncc.checkin.service;

import io.micrometer.core.instrument.MeterRegistry;
import java.util.List;
import org.springframework.boot.jackson.autoconfigure.JsonMapperBuilderCustomizer;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpHeaders;
import org.springframework.web.filter.RequestContextFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.mvc.method.annotation.ExceptionHandlerExceptionResolver;
import tools.jackson.databind.cfg.CoercionAction;
import tools.jackson.databind.cfg.CoercionInputShape;
import tools.jackson.databind.type.LogicalType;

/** To be imported by each service. */
@Configuration(proxyBeanMethods = false)
@Import({
    LinkConfiguration.class,
    RedisConfiguration.class,
    AsyncAnswers.class,
    BodyTimeout.class,
    HandlerMethods.class,
    QueryParameters.class,
    ProblemAdvice.class
})
public class ServiceConfiguration {

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> tomcat(Environment environment) {
        return new TomcatSettings(environment);
    }

    /** In JSON, a number or a boolean is no string. There is no property for that. */
    @Bean
    JsonMapperBuilderCustomizer noStringsFromOtherScalars() {
        return mapper -> mapper.withCoercionConfig(
                LogicalType.Textual,
                strings -> strings.setCoercion(CoercionInputShape.Integer, CoercionAction.Fail)
                        .setCoercion(CoercionInputShape.Float, CoercionAction.Fail)
                        .setCoercion(CoercionInputShape.Boolean, CoercionAction.Fail));
    }

    /** Around everything else that a request passes. */
    @Bean
    FilterRegistrationBean<RequestTimer> requestTimer(MeterRegistry registry) {
        FilterRegistrationBean<RequestTimer> filter = new FilterRegistrationBean<>(new RequestTimer(registry));
        filter.setOrder(Ordered.HIGHEST_PRECEDENCE);
        return filter;
    }

    /** After the limit of a client's requests, which counts those that are refused, too. */
    @Bean
    FilterRegistrationBean<SingleHeaders> singleHeaders(HandlerExceptionResolver handlerExceptionResolver) {
        FilterRegistrationBean<SingleHeaders> filter = new FilterRegistrationBean<>(new SingleHeaders(
                handlerExceptionResolver, HttpHeaders.CONTENT_TYPE, "Idempotency-Key", "Last-Event-ID"));
        filter.setOrder(1);
        return filter;
    }

    /** Spring Boot's filter is off: no filter needs what it does, and Spring MVC does it itself. */
    @Bean
    FilterRegistrationBean<RequestContextFilter> requestContextFilter() {
        FilterRegistrationBean<RequestContextFilter> filter = new FilterRegistrationBean<>(new RequestContextFilter());
        filter.setEnabled(false);
        return filter;
    }

    /** {@link ProblemAdvice} answers what any handler throws, and any filter that asks for it, not only what a controller's method does. */
    @Bean
    WebMvcConfigurer problemsOfAllHandlers() {
        return new WebMvcConfigurer() {
            @Override
            public void extendHandlerExceptionResolvers(List<HandlerExceptionResolver> resolvers) {
                for (HandlerExceptionResolver resolver : resolvers) {
                    if (resolver instanceof ExceptionHandlerExceptionResolver problems) {
                        problems.setMappedHandlerPredicate(handler -> true);
                    }
                }
            }
        };
    }
}
