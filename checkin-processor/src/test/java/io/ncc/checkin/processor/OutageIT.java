package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.RedisCondition;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What Redis may do to a running processor for a while, one thing after the other to the same one: it loses and repeats nothing, says once what is
 * the matter, doesn't run hot, isn't ready meanwhile, and goes on by itself.
 */
final class OutageIT extends FaultyRedis {

    /** What lasts until it is undone. It begins with a backlog, in one transaction with it. */
    record Outage(
            String name, RedisCondition condition, boolean canBeRead, Change begin, Change end, List<String> args) {

        Outage(String name, RedisCondition condition, boolean canBeRead, Change begin, Change end) {
            this(name, condition, canBeRead, begin, end, List.of());
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Outage> outages() {
        return Stream.of(
                new Outage(
                        "Redis is a replica",
                        RedisCondition.READ_ONLY,
                        true,
                        commands -> commands.replicaof("127.0.0.1", DEAD_PORT),
                        RedisCommands::replicaofNoOne),
                new Outage(
                        "Redis is a replica without a primary",
                        RedisCondition.MASTER_DOWN,
                        false,
                        commands -> {
                            commands.configSet("replica-serve-stale-data", "no");
                            commands.replicaof("127.0.0.1", DEAD_PORT);
                        },
                        commands -> {
                            commands.configSet("replica-serve-stale-data", "yes");
                            commands.replicaofNoOne();
                        }),
                new Outage(
                        "the last snapshot failed",
                        RedisCondition.PERSISTENCE_FAILING,
                        true,
                        commands -> commands.configSet("save", "3600 1"),
                        commands -> commands.configSet("save", "")),
                new Outage(
                        "too few replicas are there",
                        RedisCondition.TOO_FEW_REPLICAS,
                        true,
                        commands -> commands.configSet("min-replicas-to-write", "1"),
                        commands -> commands.configSet("min-replicas-to-write", "0")),
                new Outage(
                        "there are too many clients",
                        RedisCondition.TOO_MANY_CLIENTS,
                        true,
                        commands -> {
                            commands.configSet("maxclients", "1");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("maxclients", "10000")),
                new Outage(
                        "a password is asked for",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            commands.configSet("requirepass", "another");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("requirepass", "")),
                new Outage(
                        "the password is wrong",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            commands.configSet("requirepass", "another");
                            killOthers(commands);
                        },
                        commands -> commands.configSet("requirepass", ""),
                        List.of("spring.data.redis.password=one")), // which a server without any accepts
                new Outage(
                        "a command is forbidden from the next connection on",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> {
                            redis.permit("-hset");
                            killOthers(commands);
                        },
                        commands -> redis.permit("+@all")),
                new Outage(
                        "a command is forbidden from one batch to the next",
                        RedisCondition.FORBIDDEN,
                        true,
                        commands -> redis.permit("-hset"),
                        commands -> redis.permit("+@all")));
    }

    @ParameterizedTest(name = "while {0}")
    @MethodSource("outages")
    void itWaitsAndThenGoesOn(Outage outage) {
        start(outage.args);
        redis.commands().bgsave(); // fails, which matters only once snapshots are asked for
        await().atMost(LIMIT).until(() -> redis.commands().info("persistence").contains("rdb_last_bgsave_status:err"));
        SequentialFold before = SequentialFold.over(redis.commands());
        try {
            withBacklog(outage.begin);
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(interruptions()).endsWith(outage.condition));
            long pending = outage.canBeRead ? pending() : 0;
            long commands = commandsSoFar();
            long start = System.nanoTime();
            awaitNotReadyButAlive();
            double seconds = (double) (System.nanoTime() - start) / TimeUnit.SECONDS.toNanos(1);
            assertThat((commandsSoFar() - commands) / seconds).isLessThan(MOST_COMMANDS_PER_SECOND);
            if (outage.canBeRead) {
                assertThat(pending()).isGreaterThanOrEqualTo(pending);
                before.assertEqualTo(redis.commands());
            }
        } finally {
            outage.end.accept(redis.commands());
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(outage.condition);
    }

    @Test
    @SuppressWarnings("FutureReturnValueIgnored") // the loop comes behind what must have succeeded
    void itWaitsWhileAScriptOfSomeoneElseRunsForTooLong() {
        start();
        try (RedisClient client = RedisClient.create(redis.uri());
                StatefulRedisConnection<String, String> connection = client.connect()) {
            RedisAsyncCommands<String, String> commands = connection.async();
            commands.multi();
            for (int i = 0; i < BACKLOG; i++) {
                commands.xadd(STREAM, CheckinCodec.encode(checkin()));
            }
            commands.exec();
            RedisFuture<?> loop = commands.eval("while true do end", ScriptOutputType.STATUS);
            try {
                awaitNotReadyButAlive();
            } finally {
                redis.commands().scriptKill();
            }
            await().atMost(LIMIT).until(loop::isDone);
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.BUSY);
    }

    @Test
    @Tag(ONE_REDIS_IS_ENOUGH)
    void itWaitsWhileRedisDoesNotAnswer() {
        start();
        inOneTransaction(commands -> append(LARGE_BACKLOG));
        redis.pause();
        try {
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(interruptions()).endsWith(RedisCondition.TIMEOUT));
            awaitNotReadyButAlive();
        } finally {
            redis.resume();
        }
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.TIMEOUT);
    }

    @Test
    void itWaitsWhileRedisIsDeadAndWhileItLoadsItsData() {
        redis.restartEmpty(); // nothing of the tests before is to be loaded
        start();
        append(4_000);
        redis.kill();
        awaitNotReadyButAlive();
        assertThat(interruptions()).containsExactly(RedisCondition.AWAY);
        CompletableFuture<Void> started = CompletableFuture.runAsync(redis::start);
        await().atMost(LIMIT).untilAsserted(() -> assertThat(interruptions()).endsWith(RedisCondition.LOADING));
        assertThat(isReady()).isFalse();
        started.join();
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.LOADING);
    }
}
