package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.ClientOptions;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisCredentials;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisCredentialsProvider.ImmediateRedisCredentialsProvider;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import io.lettuce.core.StaticCredentialsProvider;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.resource.ClientResources;
import io.lettuce.core.resource.DefaultEventLoopGroupProvider;
import io.ncc.checkin.testsupport.RealRedis;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.IoEventLoop;
import io.netty.channel.IoEventLoopGroup;
import io.netty.channel.IoHandlerFactory;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SingleThreadIoEventLoop;
import io.netty.channel.nio.NioIoHandler;
import io.netty.util.concurrent.EventExecutorGroup;
import java.time.Duration;
import java.util.HashSet;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import reactor.core.publisher.Flux;
import reactor.core.publisher.Mono;

@Timeout(60)
final class HandshakesIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    /** Lettuce's event loops, as on a busy machine: at random, a task begins late, or the thread that hands it over goes on late. */
    static ClientResources onABusyMachine() {
        Random random = new Random();
        return ClientResources.builder()
                .eventLoopGroupProvider(new DefaultEventLoopGroupProvider(2) {
                    @Override
                    protected <T extends EventLoopGroup> EventExecutorGroup doCreateEventLoopGroup(
                            Class<T> type, int threads, io.lettuce.core.resource.ThreadFactoryProvider factories) {
                        return new MultiThreadIoEventLoopGroup(threads, NioIoHandler.newFactory()) {
                            @Override
                            protected IoEventLoop newChild(
                                    Executor executor, IoHandlerFactory handlers, Object... others) {
                                return new BusyLoop(this, executor, handlers, random);
                            }
                        };
                    }
                })
                .build();
    }

    private static final class BusyLoop extends SingleThreadIoEventLoop {

        private final Random random;

        BusyLoop(IoEventLoopGroup parent, Executor executor, IoHandlerFactory handlers, Random random) {
            super(parent, executor, handlers);
            this.random = random;
        }

        @Override
        public void execute(Runnable task) {
            int luck = inEventLoop() ? 12 : random.nextInt(12);
            if (luck == 0) {
                super.execute(task);
                pause();
            } else if (luck < 6) {
                super.execute(() -> {
                    pause();
                    task.run();
                });
            } else {
                super.execute(task);
            }
        }

        private static void pause() {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
    }

    /** What 100 connects end with: the reply to a PING, or a condition. */
    static Set<Object> outcomes(RedisConnector server) {
        Set<Object> outcomes = new HashSet<>();
        for (int i = 0; i < 100; i++) {
            try (var connection = server.connect(StringCodec.UTF8)) {
                outcomes.add(connection.sync().ping());
            } catch (RedisException e) {
                outcomes.add(RedisCondition.of(e));
            }
        }
        return outcomes;
    }

    @ParameterizedTest
    @CsvSource({"secret, PONG", "guess, FORBIDDEN"})
    void aConnectionIsReadyOrSaysWhyNot(String password, String outcome) {
        redis.commands()
                .aclSetuser(
                        "app",
                        AclSetuserArgs.Builder.on()
                                .addPassword("secret")
                                .allKeys()
                                .allCommands());
        RedisURI uri = RedisURI.create("redis://app:" + password + '@' + redis.host() + ':' + redis.port());
        Handshakes.resolveCredentials(uri);
        ClientResources resources = onABusyMachine();
        try (RedisClient client = RedisClient.create(resources, uri)) {
            client.setOptions(LinkOptions.apply(ClientOptions.builder(), Duration.ofSeconds(5))
                    .build());
            assertThat(outcomes(new SingleRedis(client)))
                    .extracting(Object::toString)
                    .containsExactly(outcome);
        } finally {
            redis.commands().aclDeluser("app");
            resources.shutdown(0, 1, TimeUnit.SECONDS).awaitUninterruptibly(5, TimeUnit.SECONDS);
        }
    }

    @Test
    void immediateCredentialsAreTakenAsTheyAre() {
        var fixed = new StaticCredentialsProvider("app", "secret".toCharArray());
        assertThat(resolved(fixed)).isSameAs(fixed);
    }

    @Test
    void aProviderMayHaveNoCredentials() {
        assertThat(resolved(Mono::empty).resolveCredentials().block())
                .matches(
                        credentials -> credentials != null && !credentials.hasUsername() && !credentials.hasPassword());
    }

    @Test
    void credentialsThatFollowStillComeFromTheProvider() {
        RedisCredentials first = RedisCredentials.just("app", "one");
        RedisCredentials second = RedisCredentials.just("app", "two");
        RedisCredentialsProvider rotating = new RedisCredentialsProvider() {
            @Override
            public Mono<RedisCredentials> resolveCredentials() {
                return Mono.just(first);
            }

            @Override
            public boolean supportsStreaming() {
                return true;
            }

            @Override
            public Flux<RedisCredentials> credentials() {
                return Flux.just(second);
            }
        };
        var resolved = resolved(rotating);
        assertThat(resolved).isInstanceOf(ImmediateRedisCredentialsProvider.class);
        assertThat(resolved.resolveCredentials().block()).isSameAs(first);
        assertThat(resolved.supportsStreaming()).isTrue();
        assertThat(resolved.credentials().blockFirst()).isSameAs(second);
    }

    @Test
    void aProviderThatFailsOrIsLateFailsTheConnect() {
        assertThatExceptionOfType(RedisConnectionException.class)
                .isThrownBy(() -> resolved(() -> Mono.error(new IllegalStateException("no token"))))
                .withStackTraceContaining("no token");
        assertThatExceptionOfType(RedisConnectionException.class).isThrownBy(() -> resolved(Mono::never));
    }

    private static RedisCredentialsProvider resolved(RedisCredentialsProvider provider) {
        RedisURI uri = RedisURI.create("127.0.0.1", 1);
        uri.setTimeout(Duration.ofMillis(100));
        uri.setCredentialsProvider(provider);
        Handshakes.resolveCredentials(uri);
        return uri.getCredentialsProvider();
    }
}
