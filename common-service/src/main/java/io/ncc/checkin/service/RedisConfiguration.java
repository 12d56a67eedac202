package io.ncc.checkin.service;

import io.lettuce.core.RedisClient;
import io.ncc.redis.LinkOptions;
import io.ncc.redis.RedisServers;
import java.time.Duration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** The Redis client of a service: configured by Boot's {@code spring.data.redis.*}, with the options of {@link LinkOptions}. */
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

    /** The factory owns the client and closes it. */
    @Bean(destroyMethod = "")
    RedisClient redisClient(LettuceConnectionFactory factory) {
        return (RedisClient) factory.getRequiredNativeClient();
    }

    @Bean
    RedisServers redisServers(RedisClient client) {
        return RedisServers.of(client);
    }
}
