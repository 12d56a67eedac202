package io.ncc.checkin.service;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisURI;
import io.ncc.redis.LinkOptions;
import io.ncc.redis.RedisCluster;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import java.time.Duration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.RedisClusterConfiguration;
import org.springframework.data.redis.connection.RedisNode;
import org.springframework.data.redis.connection.lettuce.LettuceClientConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;

/** The Redis client and the Redis servers of a service: configured by Boot's {@code spring.data.redis.*}, with the options of {@link LinkOptions}. */
@Configuration(proxyBeanMethods = false)
class RedisConfiguration {

    @Bean
    LettuceClientOptionsBuilderCustomizer clientOptions(DataRedisProperties properties) {
        Duration timeout = properties.getTimeout();
        if (timeout == null) {
            throw new IllegalStateException("spring.data.redis.timeout must be set");
        }
        return options -> LinkOptions.apply(options, timeout);
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
    RedisServers redisServers(RedisClient client, LettuceConnectionFactory factory) {
        RedisClusterConfiguration cluster = factory.getClusterConfiguration();
        if (cluster == null) {
            return new SingleRedis(client);
        }
        return new RedisCluster(
                client,
                cluster.getClusterNodes().stream()
                        .map(node -> uri(node, cluster, factory.getClientConfiguration()))
                        .toList());
    }

    /** As the factory makes it for its own client. */
    private static RedisURI uri(
            RedisNode node, RedisClusterConfiguration cluster, LettuceClientConfiguration settings) {
        RedisCredentialsProvider credentials = settings.getRedisCredentialsProviderFactory()
                .orElseGet(() -> new RedisCredentialsProviderFactory() {})
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
}
