package io.ncc.checkin.service;

import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisClient;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.protocol.RedisCommand;
import java.time.Duration;
import org.springframework.boot.data.redis.autoconfigure.DataRedisProperties;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;

/** The Redis client of a service: Boot's {@code spring.data.redis.*}, with nothing left that works behind the caller's back. */
@Configuration(proxyBeanMethods = false)
class RedisConfiguration {

    /** The longest time for which a read may ask the server to block. */
    static final Duration MAX_BLOCK = Duration.ofSeconds(5);

    private static final int MAX_COMMANDS_UNDER_WAY = 10_000;

    /**
     * No reconnection by Lettuce, hence no replay: with it, an XADD that was on the wire when a connection broke is sent again, whether the
     * server had it already or not.
     */
    @Bean
    LettuceClientOptionsBuilderCustomizer clientOptions(DataRedisProperties properties) {
        Duration timeout = properties.getTimeout();
        if (timeout == null) {
            throw new IllegalStateException("spring.data.redis.timeout must be set");
        }
        return options -> options.autoReconnect(false)
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(MAX_COMMANDS_UNDER_WAY)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .timeoutOptions(TimeoutOptions.builder()
                        .timeoutCommands()
                        .timeoutSource(new CommandTimeouts(timeout))
                        .build());
    }

    /** The factory owns the client and closes it. */
    @Bean(destroyMethod = "")
    RedisClient redisClient(LettuceConnectionFactory factory) {
        return (RedisClient) factory.getRequiredNativeClient();
    }

    /** A read that may block gets the time for which it may on top of the time that any other command gets. */
    private static final class CommandTimeouts extends TimeoutOptions.TimeoutSource {

        private final long plain;
        private final long blocking;

        CommandTimeouts(Duration timeout) {
            plain = timeout.toMillis();
            blocking = timeout.plus(MAX_BLOCK).toMillis();
        }

        @Override
        public long getTimeout(RedisCommand<?, ?, ?> command) {
            ProtocolKeyword type = command.getType();
            return type == CommandType.XREADGROUP || type == CommandType.XREAD ? blocking : plain;
        }
    }
}
