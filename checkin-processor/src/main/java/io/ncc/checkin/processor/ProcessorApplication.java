package io.ncc.checkin.processor;

import io.lettuce.core.RedisClient;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.RedisLink;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
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

    private static final Logger log = LoggerFactory.getLogger(ProcessorApplication.class);

    /** Each loop makes a turn within seconds, whatever Redis does. */
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
    Projection projection(ProcessorProperties properties) {
        return new CheckinProjection(Keys.unpartitioned(), properties.mode());
    }

    @Bean
    ConsumerGroup group(@Qualifier("scriptLink") RedisLink scriptLink, Projection projection, ConsumerName consumer) {
        return new ConsumerGroup(scriptLink, projection.keys(), consumer.name());
    }

    @Bean
    Applier applier(
            @Qualifier("scriptLink") RedisLink scriptLink,
            Projection projection,
            ConsumerName consumer,
            ProcessorMetrics metrics,
            ProcessorProperties properties) {
        DeadLetters deadLetters = new DeadLetters(projection.keys(), properties.mode(), consumer.name());
        return new Applier(scriptLink, projection, deadLetters, metrics, properties);
    }

    @Bean
    EntryReader reader(
            @Qualifier("readLink") RedisLink readLink,
            @Qualifier("scriptLink") RedisLink scriptLink,
            ConsumerGroup group,
            Applier applier,
            ProcessorProperties properties) {
        log.info(
                "{} of group {} reads {} in {} mode: {}",
                group.consumer(),
                group.keys().group(),
                group.keys().stream(),
                properties.mode(),
                properties);
        EntrySource source = properties.mode() == Mode.GROUP
                ? new GroupSource(readLink, group, properties)
                : new SequentialSource(readLink, group, properties);
        return new EntryReader(source, scriptLink, applier);
    }

    @Bean
    @ConditionalOnProperty(name = "checkin.processor.mode", havingValue = "group", matchIfMissing = true)
    Periodic reclaimer(
            @Qualifier("scriptLink") RedisLink scriptLink,
            Projection projection,
            Applier applier,
            ConsumerName consumer,
            ProcessorProperties properties) {
        Reclaimer reclaimer = new Reclaimer(scriptLink, applier, projection.keys(), consumer.name(), properties);
        return new Periodic("reclaimer", properties.claimEvery(), reclaimer);
    }

    @Bean
    Periodic janitor(
            @Qualifier("scriptLink") RedisLink scriptLink,
            Projection projection,
            ConsumerName consumer,
            ProcessorMetrics metrics,
            ProcessorProperties properties) {
        Janitor janitor = new Janitor(scriptLink, projection.keys(), consumer.name(), metrics, properties);
        return new Periodic("janitor", Janitor.INTERVAL, janitor);
    }

    @Bean
    RedisHealth redisHealthIndicator(@Qualifier("scriptLink") RedisLink scriptLink) {
        return new RedisHealth(scriptLink);
    }

    /** Part of readiness: whether processing goes on. */
    @Bean
    HealthIndicator processingHealthIndicator(EntryReader reader) {
        return () -> {
            RedisCondition trouble = reader.trouble();
            return trouble == null
                    ? Health.up().build()
                    : Health.down().withDetail("condition", trouble).build();
        };
    }

    /** Part of liveness: a loop that hangs is not mended by waiting, but by a restart. */
    @Bean
    HealthIndicator loopsHealthIndicator(EntryReader reader, List<Periodic> periodic) {
        return () -> {
            boolean turning = reader.sinceLastTurn().compareTo(LONGEST_TURN) < 0
                    && periodic.stream().allMatch(task -> task.overdue().compareTo(LONGEST_TURN) < 0);
            return (turning ? Health.up() : Health.down()).build();
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
