package io.ncc.checkin.service;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StaticCredentialsProvider;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.Handshakes;
import io.ncc.redis.RedisCluster;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import io.netty.util.HashedWheelTimer;
import io.netty.util.concurrent.DefaultThreadFactory;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.data.redis.autoconfigure.ClientResourcesBuilderCustomizer;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.core.annotation.Order;
import org.springframework.data.redis.connection.RedisClusterConfiguration;
import org.springframework.data.redis.connection.RedisConfiguration.WithAuthentication;
import org.springframework.data.redis.connection.RedisNode;
import org.springframework.data.redis.connection.RedisPassword;
import org.springframework.data.redis.connection.RedisSentinelConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;
import org.springframework.util.StringUtils;

/** The Redis client, the Redis servers and the partitions, by {@code spring.data.redis.*} and {@code checkin.partitions}. */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(PartitionProperties.class)
public class RedisConfiguration {

    /** So that Lettuce doesn't have to {@linkplain Handshakes#resolveCredentials resolve} them. Another customizer, which comes later, may bring others. */
    @Bean
    @Order(Ordered.HIGHEST_PRECEDENCE)
    LettuceClientConfigurationBuilderCustomizer immediateCredentials() {
        return settings -> settings.redisCredentialsProviderFactory(new ImmediateCredentials());
    }

    /**
     * Times commands out. Lettuce's own timer ticks every 100 ms, and keeps each command until the next tick, even if it is done. At 50,000 commands a
     * second these are 6 MB, and a collection of the young generation, which copies them, takes 10 ms in place of 2.
     */
    @Bean(destroyMethod = "stop")
    HashedWheelTimer commandTimer() {
        return new HashedWheelTimer(new DefaultThreadFactory("lettuce-timer", true), 10, TimeUnit.MILLISECONDS);
    }

    @Bean
    ClientResourcesBuilderCustomizer commandTimeouts(HashedWheelTimer commandTimer) {
        return resources -> resources.timer(commandTimer);
    }

    /** Its options are for any server. Without a cluster, it has the address of the server or of the Sentinels. */
    @Bean
    RedisClient redisClient(LettuceConnectionFactory factory) {
        if (!factory.isClusterAware()) {
            return (RedisClient) factory.getRequiredNativeClient(); // which the factory closes, too
        }
        RedisClient client =
                RedisClient.create(factory.getRequiredNativeClient().getResources());
        client.setOptions(factory.getRequiredNativeClient().getOptions());
        return client;
    }

    /** The nodes of {@code spring.data.redis.cluster.nodes}, else the one server. */
    @Bean
    RedisServers redisServers(RedisClient client, LettuceConnectionFactory factory, Partitions partitions) {
        RedisClusterConfiguration cluster = factory.getClusterConfiguration();
        if (cluster == null) {
            return new SingleRedis(client);
        }
        if (!partitions.arePartitioned()) {
            throw new InvalidConfigurationPropertyValueException(
                    "checkin.partitions",
                    null,
                    "It must be set if spring.data.redis.cluster.nodes is: without partitions, keys that belong together"
                            + " are in different slots.");
        }
        return new RedisCluster(
                client,
                cluster.getClusterNodes().stream()
                        .map(node -> uri(node, cluster, factory.getClientConfiguration()))
                        .toList());
    }

    @Bean
    Partitions partitions(PartitionProperties properties) {
        Integer count = properties.partitions();
        return count == null ? Partitions.none() : Partitions.of(count);
    }

    @Bean
    PartitionCheck partitionCheck(Partitions partitions, RedisServers servers) {
        return new PartitionCheck(partitions, servers);
    }

    /** As the factory makes it for its own client. */
    private static RedisURI uri(
            RedisNode node, RedisClusterConfiguration cluster, LettuceClientConfiguration settings) {
        RedisCredentialsProvider credentials = settings.getRedisCredentialsProviderFactory()
                .orElseGet(ImmediateCredentials::new)
                .createCredentialsProvider(cluster);
        RedisURI.Builder uri = RedisURI.builder()
                .withHost(node.getRequiredHost())
                .withPort(node.getRequiredPort())
                .withSsl(settings.isUseSsl())
                .withVerifyPeer(settings.getVerifyMode())
                .withStartTls(settings.isStartTls())
                .withAuthentication(credentials)
                .withTimeout(settings.getCommandTimeout());
        settings.getClientName().ifPresent(uri::withClientName);
        return uri.build();
    }

    private static final class ImmediateCredentials implements RedisCredentialsProviderFactory {

        @Override
        public RedisCredentialsProvider createCredentialsProvider(
                org.springframework.data.redis.connection.RedisConfiguration server) {
            return server instanceof WithAuthentication user
                    ? of(user.getUsername(), user.getPassword())
                    : of(null, RedisPassword.none());
        }

        @Override
        public RedisCredentialsProvider createSentinelCredentialsProvider(RedisSentinelConfiguration sentinels) {
            return of(sentinels.getSentinelUsername(), sentinels.getSentinelPassword());
        }

        /** A user may have no password. A URL may have a password without a user. */
        private static RedisCredentialsProvider of(@Nullable String user, RedisPassword password) {
            String name = StringUtils.hasText(user) ? user : null;
            return new StaticCredentialsProvider(name, password.toOptional().orElse(name == null ? null : new char[0]));
        }
    }
}
