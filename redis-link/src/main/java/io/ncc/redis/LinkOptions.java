package io.ncc.redis;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.TimeoutOptions;
import io.lettuce.core.protocol.CommandType;
import io.lettuce.core.protocol.ProtocolKeyword;
import io.lettuce.core.protocol.RedisCommand;
import java.time.Duration;

/** The Lettuce client options that a {@link RedisLink} needs: no reconnection, no replay of commands, a timeout for each command. */
public final class LinkOptions {

    /** The longest time for which a read may ask the server to block. */
    public static final Duration MAX_BLOCK = Duration.ofSeconds(5);

    private static final int MAX_COMMANDS_UNDER_WAY = 10_000;

    private LinkOptions() {}

    /**
     * Sets the options. Lettuce's reconnection is off, because it includes the replay of commands: Lettuce would send an XADD that was in flight
     * when the connection broke again, even if the server had executed it.
     *
     * @param options the builder to change
     * @param timeout the timeout of each command; a blocking read gets {@link #MAX_BLOCK} in addition
     */
    public static ClientOptions.Builder apply(ClientOptions.Builder options, Duration timeout) {
        return options.autoReconnect(false)
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .requestQueueSize(MAX_COMMANDS_UNDER_WAY)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .timeoutOptions(TimeoutOptions.builder()
                        .timeoutCommands()
                        .timeoutSource(new CommandTimeouts(timeout))
                        .build());
    }

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
