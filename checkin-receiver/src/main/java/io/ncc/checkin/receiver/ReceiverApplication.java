package io.ncc.checkin.receiver;

import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.AsyncAnswers;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.redis.RedisLink;
import io.ncc.redis.ServerSettings;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.web.servlet.FilterRegistrationBean;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.core.Ordered;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.ServerResponse;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;

/** The receiver and its parts. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(ReceiverProperties.class)
@Import(ServiceConfiguration.class)
public class ReceiverApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a receiver in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-receiver", ReceiverApplication.class, args);
    }

    @Bean
    Keys keys() {
        return Keys.unpartitioned();
    }

    @Bean
    RouterFunction<ServerResponse> contract() {
        return ApiContract.of(ReceiverApplication.class);
    }

    @Bean
    RedisLink redis(RedisClient client) {
        return new RedisLink("append", client);
    }

    @Bean
    DurabilityGuard durability(ReceiverProperties properties) {
        return new DurabilityGuard(properties);
    }

    @Bean
    CheckinAppender appender(
            RedisLink redis,
            Keys keys,
            DurabilityGuard durability,
            ReceiverProperties properties,
            DataRedisProperties redisProperties,
            MeterRegistry registry) {
        Duration timeout = Objects.requireNonNull(redisProperties.getTimeout());
        properties.requireDurabilityTimeoutBelow(timeout);
        CheckinAppender appender = new CheckinAppender(
                redis,
                keys,
                durability,
                new MemoryGuard(properties.maxMemoryUse()),
                new ReceiverMetrics(registry),
                properties,
                timeout);
        ServerSettings settings = new ServerSettings();
        redis.greetedWith(commands -> {
            settings.accept(commands);
            appender.check(commands);
        });
        return appender;
    }

    /** Part of readiness: whether a checkin could be appended now. */
    @Bean
    HealthIndicator appendHealthIndicator(CheckinAppender appender) {
        return () -> {
            ProblemType trouble = appender.trouble();
            return trouble == null
                    ? Health.up().build()
                    : Health.down().withDetail("problem", trouble).build();
        };
    }

    @Bean
    InfoContributor durabilityInfo(DurabilityGuard durability) {
        return info -> info.withDetail("durability", durability.describe());
    }

    @Bean
    RequestMemory requestMemory(ReceiverProperties properties, MeterRegistry registry) {
        return new RequestMemory(properties.maxRequestMemory(), registry);
    }

    @Bean
    WebMvcConfigurer memoryOfBatches(RequestMemory memory) {
        return new WebMvcConfigurer() {
            @Override
            public void addInterceptors(InterceptorRegistry registry) {
                registry.addInterceptor(memory).addPathPatterns("/checkins/batch");
            }
        };
    }

    @Bean
    CheckinController checkinController(
            CheckinAppender appender,
            Keys keys,
            ReceiverProperties properties,
            RequestMemory memory,
            AsyncAnswers answers) {
        return new CheckinController(appender, keys, properties, memory, answers);
    }

    /** Comes before Spring's own mappings, because nearly all requests are for this route. */
    @Bean
    HandlerMapping checkinRoute(CheckinController controller) {
        return new SimpleUrlHandlerMapping(
                Map.of("/checkins", controller, "/api/checkin", controller), Ordered.HIGHEST_PRECEDENCE);
    }

    @Bean
    FilterRegistrationBean<RateLimit> rateLimit(
            ReceiverProperties properties, HandlerExceptionResolver handlerExceptionResolver) {
        FilterRegistrationBean<RateLimit> filter =
                new FilterRegistrationBean<>(new RateLimit(properties.rateLimit(), handlerExceptionResolver));
        filter.addUrlPatterns("/checkins/*", "/api/checkin");
        filter.setEnabled(properties.rateLimit() > 0);
        return filter;
    }
}
