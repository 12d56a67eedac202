package io.ncc.checkin.processor;

import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.engine.Engine;
import io.ncc.engine.Projection;
import io.ncc.redis.RedisCondition;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.UUID;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The processor and its parts. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(ProcessorProperties.class)
@Import(ServiceConfiguration.class)
public class ProcessorApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a processor in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-processor", ProcessorApplication.class, args);
    }

    @Bean
    Projection projection(ProcessorProperties properties) {
        return new CheckinProjection(Keys.unpartitioned(), properties.mode());
    }

    @Bean
    Engine engine(RedisClient client, Projection projection, ProcessorProperties properties, MeterRegistry registry) {
        String consumer = properties.consumer() == null ? uniqueName() : properties.consumer();
        return new Engine(client, projection, consumer, properties.engine(), registry);
    }

    /** The name of the machine, for people, and a random part that makes it unique. */
    private static String uniqueName() {
        String host;
        try {
            host = InetAddress.getLocalHost().getHostName();
        } catch (UnknownHostException e) {
            host = "processor";
        }
        return host + '-' + UUID.randomUUID().toString().substring(0, 8);
    }

    @Bean
    RedisHealth redisHealthIndicator(Engine engine) {
        return new RedisHealth(engine.scriptLink());
    }

    /** Part of readiness: whether processing goes on. */
    @Bean
    HealthIndicator processingHealthIndicator(Engine engine) {
        return () -> {
            RedisCondition trouble = engine.trouble();
            Health health = RedisHealth.of(trouble);
            return trouble == RedisCondition.WRONG_TYPE
                    ? Health.status(health.getStatus())
                            .withDetails(health.getDetails())
                            .withDetail("damaged", engine.damagedKeys())
                            .build()
                    : health;
        };
    }

    /** Part of liveness: if a loop hangs, only a restart helps. */
    @Bean
    HealthIndicator loopsHealthIndicator(Engine engine) {
        return () -> (engine.isTurning() ? Health.up() : Health.down()).build();
    }
}
