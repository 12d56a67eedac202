package io.ncc.checkin.processor;

import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.RedisLink;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.UUID;
import org.springframework.beans.factory.annotation.Qualifier;
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

    /** The loop makes a turn at least every few seconds, whatever Redis does. */
    private static final Duration LONGEST_TURN = Duration.ofSeconds(30);

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a processor in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-processor", ProcessorApplication.class, args);
    }

    /** For reads only, which block it. */
    @Bean
    RedisLink readLink(RedisClient client) {
        return new RedisLink("read", client);
    }

    @Bean
    RedisLink scriptLink(RedisClient client) {
        return new RedisLink("script", client);
    }

    @Bean
    ConsumerName consumerName(ProcessorProperties properties) {
        return properties.consumer() == null ? ConsumerName.unique() : new ConsumerName(properties.consumer());
    }

    @Bean
    ProcessorMetrics metrics(MeterRegistry registry) {
        return new ProcessorMetrics(registry);
    }

    @Bean
    Applier applier(
            @Qualifier("scriptLink") RedisLink scriptLink, ProcessorMetrics metrics, ProcessorProperties properties) {
        return new Applier(scriptLink, new CheckinProjection(Keys.unpartitioned()), metrics, properties.maxInFlight());
    }

    @Bean
    EntryReader reader(
            @Qualifier("readLink") RedisLink readLink,
            @Qualifier("scriptLink") RedisLink scriptLink,
            Applier applier,
            ConsumerName consumer,
            ProcessorProperties properties) {
        return new EntryReader(readLink, scriptLink, applier, Keys.unpartitioned(), consumer.name(), properties);
    }

    @Bean
    Reclaimer reclaimer(
            @Qualifier("scriptLink") RedisLink scriptLink,
            Applier applier,
            ConsumerName consumer,
            ProcessorProperties properties) {
        return new Reclaimer(scriptLink, applier, Keys.unpartitioned(), consumer.name(), properties);
    }

    @Bean
    RedisHealth redisHealthIndicator(@Qualifier("scriptLink") RedisLink scriptLink) {
        return new RedisHealth(scriptLink);
    }

    /** Part of liveness: a loop that hangs is not mended by waiting, but by a restart. */
    @Bean
    HealthIndicator readerHealthIndicator(EntryReader reader) {
        return () -> {
            Duration sinceLastTurn = reader.sinceLastTurn();
            Health.Builder health = sinceLastTurn.compareTo(LONGEST_TURN) < 0 ? Health.up() : Health.down();
            return health.withDetail("sinceLastTurn", sinceLastTurn.toString()).build();
        };
    }

    /** The name of this processor in the group. */
    record ConsumerName(String name) {

        /** Tells a person which machine it is on, and is never the name of another. */
        static ConsumerName unique() {
            String host;
            try {
                host = InetAddress.getLocalHost().getHostName();
            } catch (UnknownHostException e) {
                host = "processor";
            }
            return new ConsumerName(host + '-' + UUID.randomUUID().toString().substring(0, 8));
        }
    }
}
