package io.ncc.checkin.receiver;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.AsyncAnswers;
import io.ncc.checkin.service.PartitionCheck;
import io.ncc.checkin.service.PartitionHealth;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.checkin.service.security.SecurityConfiguration;
import io.ncc.checkin.service.security.SecurityConfiguration.RequestLimit;
import io.ncc.checkin.service.security.Sessions;
import io.ncc.redis.RedisServers;
import io.ncc.redis.ServerSettings;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
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
@Import({ServiceConfiguration.class, SecurityConfiguration.class})
public class ReceiverApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a receiver in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-receiver", ReceiverApplication.class, args);
    }

    @Bean
    ApiContract contract() {
        return new ApiContract(ReceiverApplication.class);
    }

    @Bean
    RouterFunction<ServerResponse> contractRoutes(ApiContract contract) {
        return contract.routes();
    }

    @Bean
    PartitionLinks links(Partitions partitions, RedisServers servers, PartitionCheck check) {
        return new PartitionLinks("append", partitions, servers, check);
    }

    @Bean
    @ConditionalOnBooleanProperty("checkin.security.logins")
    Sessions sessions(Partitions partitions, PartitionLinks links) {
        return new Sessions(partitions, links);
    }

    @Bean
    Appenders appenders(
            PartitionLinks links,
            Partitions partitions,
            ReceiverProperties properties,
            DataRedisProperties redisProperties,
            MeterRegistry registry) {
        Duration timeout = Objects.requireNonNull(redisProperties.getTimeout());
        properties.requireDurabilityTimeoutBelow(timeout);
        ReceiverMetrics metrics = new ReceiverMetrics(registry);
        Appenders appenders = new Appenders(
                partitions,
                partition -> new CheckinAppender(
                        links.of(partition),
                        partitions,
                        partition,
                        new DurabilityGuard(properties),
                        new MemoryGuard(properties.maxMemoryUse()),
                        metrics,
                        properties,
                        timeout));
        ServerSettings settings = new ServerSettings();
        links.greetedWith(partition -> settings.andThen(appenders.of(partition)::check));
        metrics.queue(appenders::checkinsWaiting);
        return appenders;
    }

    /** Part of readiness: whether a checkin could be appended now. */
    @Bean
    HealthIndicator appendHealthIndicator(Partitions partitions, Appenders appenders, MeterRegistry registry) {
        return new PartitionHealth(partitions, partitions.all(), partition -> healthOf(appenders.of(partition)))
                .withGauge(
                        registry,
                        Tags.empty(),
                        partition -> appenders.of(partition).isAvailable());
    }

    private static Supplier<Health> healthOf(CheckinAppender appender) {
        CompletableFuture<Optional<ProblemType>> trouble = appender.trouble().toCompletableFuture();
        return () -> trouble.join()
                .map(problem -> RedisHealth.down("problem", problem, appender.refusal()))
                .orElseGet(() -> Health.up().build());
    }

    @Bean
    InfoContributor durabilityInfo(Appenders appenders, ReceiverProperties properties) {
        return info -> info.withDetail(
                "durability", DurabilityGuard.describe(properties.durability(), appenders.durability()));
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
            Appenders appenders, ReceiverProperties properties, RequestMemory memory, AsyncAnswers answers) {
        return new CheckinController(appenders, properties, memory, answers);
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
        filter.setOrder(0); // the caller is known by then, and no header has been looked at
        filter.setEnabled(properties.rateLimit() > 0);
        return filter;
    }

    @Bean
    RequestLimit limitOfRefused(FilterRegistrationBean<RateLimit> rateLimit) {
        RateLimit limit = Objects.requireNonNull(rateLimit.getFilter());
        return rateLimit.isEnabled()
                ? new RequestLimit(
                        (request, response, chain) ->
                                limit.limit((HttpServletRequest) request, (HttpServletResponse) response, chain),
                        limit::isUsedUp)
                : RequestLimit.NONE;
    }
}
