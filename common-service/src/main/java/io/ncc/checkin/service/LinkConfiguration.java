package io.ncc.checkin.service;

import io.ncc.redis.LinkOptions;
import java.time.Duration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

/** The options of the Redis client that links need. */
@Configuration(proxyBeanMethods = false)
class LinkConfiguration {

    @Bean
    LettuceClientOptionsBuilderCustomizer linkOptions(DataRedisProperties properties) {
        Duration timeout = properties.getTimeout();
        if (timeout == null) {
            throw new IllegalStateException("spring.data.redis.timeout must be set");
        }
        return options -> LinkOptions.apply(options, timeout);
    }
}
