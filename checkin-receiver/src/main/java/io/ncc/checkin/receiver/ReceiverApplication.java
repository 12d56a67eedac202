package io.ncc.checkin.receiver;

import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.redis.RedisLink;
import io.ncc.redis.ServerSettings;
import java.time.Duration;
import java.util.Objects;
import org.springframework.boot.actuate.info.InfoContributor;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.web.servlet.config.annotation.InterceptorRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.ServerResponse;

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
    WebMvcConfigurer rateLimit(ReceiverProperties properties) {
        return new WebMvcConfigurer() {
            @Override
            public void addInterceptors(InterceptorRegistry registry) {
                if (properties.rateLimit() > 0) {
                    registry.addInterceptor(new RateLimit(properties.rateLimit()))
                            .addPathPatterns("/checkins/**", "/api/checkin");
                }
            }
        };
    }
}
