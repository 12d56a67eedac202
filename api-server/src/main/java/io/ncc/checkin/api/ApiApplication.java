package io.ncc.checkin.api;

import io.lettuce.core.resource.NettyCustomizer;
import io.micrometer.core.instrument.MeterRegistry;
import io.micrometer.core.instrument.Tags;
import io.ncc.checkin.api.session.LoginProperties;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.PartitionCheck;
import io.ncc.checkin.service.PartitionHealth;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.checkin.service.security.SecurityConfiguration;
import io.ncc.checkin.service.security.Sessions;
import io.ncc.redis.RedisServers;
import io.ncc.redis.ServerSettings;
import io.netty.channel.Channel;
import io.netty.handler.flush.FlushConsolidationHandler;
import java.util.stream.IntStream;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBooleanProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.data.redis.autoconfigure.ClientResourcesBuilderCustomizer;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.ServerResponse;

/** The API server. Its parts are found in the packages below. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties({ApiProperties.class, LoginProperties.class})
@Import({ServiceConfiguration.class, SecurityConfiguration.class})
public class ApiApplication {

    private static final int MOST_WRITES_AT_ONCE = 256;

    public static void main(String[] args) {
        run(args);
    }

    /** Starts an API server in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("api-server", ApiApplication.class, args);
    }

    @Bean
    ApiContract contract() {
        return new ApiContract(ApiApplication.class);
    }

    @Bean
    RouterFunction<ServerResponse> contractRoutes(ApiContract contract) {
        return contract.routes();
    }

    /**
     * Sends commands that requests issue at the same time with one write to the socket, instead of one for each. While replies are being read, a command
     * waits for the end of that, so this is for a service whose commands don't follow from replies.
     */
    @Bean
    ClientResourcesBuilderCustomizer commandsTogether() {
        return resources -> resources.nettyCustomizer(new NettyCustomizer() {
            @Override
            public void afterChannelInitialized(Channel channel) {
                channel.pipeline().addFirst(new FlushConsolidationHandler(MOST_WRITES_AT_ONCE, true));
            }
        });
    }

    /** For all that doesn't block. */
    @Bean
    @Primary
    PartitionLinks redis(Partitions partitions, RedisServers servers, PartitionCheck check) {
        ServerSettings settings = new ServerSettings();
        return new PartitionLinks("api", partitions, servers, check).greetedWith(partition -> settings);
    }

    /** For the one read of each partition that does. */
    @Bean
    PartitionLinks tailLinks(Partitions partitions, RedisServers servers, PartitionCheck check) {
        return new PartitionLinks("tail", partitions, servers, check);
    }

    @Bean
    @ConditionalOnBooleanProperty("checkin.security.logins")
    Sessions sessions(Partitions partitions, PartitionLinks redis) {
        return new Sessions(partitions, redis);
    }

    @Bean
    HealthIndicator redisHealthIndicator(Partitions partitions, PartitionLinks redis, MeterRegistry registry) {
        return new PartitionHealth(
                        partitions,
                        IntStream.range(0, partitions.count()).boxed().toList(),
                        partition -> RedisHealth.ask(redis.of(partition)))
                .withGauge(
                        registry, Tags.empty(), partition -> redis.of(partition).isConnected());
    }
}
