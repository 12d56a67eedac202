package io.ncc.checkin.processor;

import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionCheck;
import io.ncc.checkin.service.PartitionHealth;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.checkin.service.security.SecurityConfiguration;
import io.ncc.engine.Engine;
import io.ncc.engine.EngineSettings;
import io.ncc.engine.Projection;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisConnector;
import io.ncc.redis.RedisServers;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.UUID;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.CompositeHealthContributor;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthContributor;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The processor and its parts. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(ProcessorProperties.class)
@Import({ServiceConfiguration.class, SecurityConfiguration.class})
public class ProcessorApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a processor in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-processor", ProcessorApplication.class, args);
    }

    @Bean
    Engines engines(
            RedisServers servers,
            Partitions partitions,
            PartitionCheck check,
            ProcessorProperties properties,
            MeterRegistry registry) {
        String consumer = properties.consumer() == null ? uniqueName() : properties.consumer();
        EngineSettings settings = properties.engine(partitions.count());
        return new Engines(properties.projections(), properties.partitions(partitions.count()), (kind, partition) -> {
            Projection projection = kind.of(partitions, partition, properties.mode());
            RedisConnector server = servers.holding(projection.keys().stream());
            String number = partition.toString();
            String suffix = kind.suffix() + (partitions.arePartitioned() ? '-' + number : "");
            Tags tags = partitions.arePartitioned() ? Tags.of("partition", number) : Tags.empty();
            return new Engine(server, projection, consumer, settings, registry, suffix, tags)
                    .greetedWith(check.of(partition));
        });
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
    HealthIndicator redisHealthIndicator(Partitions partitions, Engines engines) {
        ProjectionKind any = engines.kinds().iterator().next();
        return new PartitionHealth(
                partitions,
                engines.partitions(),
                partition -> RedisHealth.ask(engines.of(any, partition).scriptLink()));
    }

    /** Part of readiness: whether processing goes on. Each projection has a component, named after its group. */
    @Bean
    CompositeHealthContributor processingHealthContributor(
            Partitions partitions, Engines engines, MeterRegistry registry) {
        Map<String, HealthContributor> ofEach = new LinkedHashMap<>();
        for (ProjectionKind kind : engines.kinds()) {
            String group = engines.of(kind, engines.partitions().get(0)).group();
            PartitionHealth health = new PartitionHealth(
                    partitions, engines.partitions(), partition -> () -> processing(engines.of(kind, partition)));
            ofEach.put(
                    group,
                    health.withGauge(
                            registry,
                            Tags.of("group", group),
                            partition -> engines.of(kind, partition).trouble() == null));
        }
        return CompositeHealthContributor.fromMap(ofEach);
    }

    private static Health processing(Engine engine) {
        RedisCondition trouble = engine.trouble();
        Health health = RedisHealth.of(trouble);
        return trouble == RedisCondition.WRONG_TYPE
                ? Health.status(health.getStatus())
                        .withDetails(health.getDetails())
                        .withDetail("damaged", engine.damagedKeys())
                        .build()
                : health;
    }

    /** Part of liveness: if a loop hangs, only a restart helps. */
    @Bean
    HealthIndicator loopsHealthIndicator(Engines engines) {
        return () -> (engines.areTurning() ? Health.up() : Health.down()).build();
    }
}
