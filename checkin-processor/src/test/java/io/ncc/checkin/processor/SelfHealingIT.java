package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.UnblockType;
import io.lettuce.core.XAddArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.sync.RedisCommands;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.FaultProxy;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.RedisCondition;
import java.util.List;
import java.util.Objects;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What Redis may do to a running processor in a moment, one thing after the other to the same one: it loses and repeats nothing, says once what is the
 * matter, and goes on by itself.
 */
final class SelfHealingIT extends FaultyRedis {

    /** What happens in a moment. */
    record Incident(String name, Change change, List<RedisCondition> named) {

        @Override
        public String toString() {
            return name;
        }
    }

    @Test
    void itGoesOnWithARedisThatHasLostAllData() {
        start();
        append(BACKLOG);
        redis.restartEmpty();
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.AWAY);
    }

    @Test
    @Tag(ONE_REDIS_IS_ENOUGH)
    void itGoesOnAfterItsConnectionsBecameHalfOpenWithAReplyOnTheWay() {
        try (FaultProxy proxy = new FaultProxy(redis.host(), redis.port())) {
            start("spring.data.redis.port=" + proxy.port(), "checkin.processor.block=5s");
            try {
                await().atMost(LIMIT).until(() -> reader().contains(" flags=b "));
                proxy.freeze();
                withBacklog(commands -> {});
                assertThat(pending()).isPositive(); // delivered, and never received
                awaitFold();
                awaitItGoesOnAfter(RedisCondition.TIMEOUT);
            } finally {
                stop();
            }
        }
    }

    @Test
    void itDrainsABacklogWithoutInterruptionWhileMemoryIsFull() {
        start();
        try {
            withBacklog(commands -> commands.configSet("maxmemory", "1"));
            awaitFold();
            await().during(HOLD).atMost(LIMIT).until(() -> isReady() && isAlive());
        } finally {
            redis.commands().configSet("maxmemory", "0");
        }
        append(100);
        awaitFold();
        assertThat(lines()).isEmpty();
    }

    @Test
    void itGoesOnWithItsBacklogAfterItsConnectionsWereKilled() {
        start();
        inOneTransaction(commands -> append(LARGE_BACKLOG));
        killOthers(redis.commands());
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.AWAY);
    }

    static Stream<Incident> incidents() {
        return Stream.of(
                new Incident("the scripts were flushed", RedisCommands::scriptFlush, List.of()),
                new Incident(
                        "the group was destroyed",
                        commands -> commands.xgroupDestroy(STREAM, Keys.GROUP),
                        List.of(RedisCondition.NO_GROUP)),
                new Incident("the group was rewound", SelfHealingIT::rewind, List.of()),
                new Incident(
                        "the group was destroyed and made anew at the beginning",
                        commands -> {
                            commands.xgroupDestroy(STREAM, Keys.GROUP);
                            commands.xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP);
                        },
                        List.of()));
    }

    @ParameterizedTest(name = "after {0}")
    @MethodSource("incidents")
    void itGoesOnWithItsBacklog(Incident incident) {
        start();
        withBacklog(incident.change);
        append(100);
        awaitFold();
        awaitItGoesOnAfter(incident.named.toArray(RedisCondition[]::new));
    }

    @Test
    void itGoesOnAfterItsReadWasUnblockedWithAnError() {
        start();
        await().atMost(LIMIT).until(() -> reader().startsWith("id="));
        long id = Long.parseLong(reader().replaceAll("^id=(\\d+) .*", "$1"));
        await().atMost(LIMIT).until(() -> redis.commands().clientUnblock(id, UnblockType.ERROR) == 1);
        append(100);
        awaitFold();
        awaitItGoesOnAfter(RedisCondition.UNBLOCKED);
    }

    static Stream<Incident> endsOfTheStream() {
        // from 7.0 on a read that blocks is woken, before it finds neither stream nor group
        List<RedisCondition> named = List.of(RedisCondition.UNBLOCKED, RedisCondition.NO_GROUP);
        return Stream.of(
                new Incident("deleted", commands -> commands.del(STREAM), named),
                new Incident("renamed", commands -> commands.rename(STREAM, "elsewhere"), named),
                new Incident(
                        "replaced by one with lower ids",
                        commands -> {
                            commands.del(STREAM);
                            appendLow(commands);
                        },
                        named),
                new Incident(
                        "replaced by one with lower ids and a group of its own",
                        commands -> {
                            commands.del(STREAM);
                            appendLow(commands);
                            commands.xgroupCreate(StreamOffset.from(STREAM, "0"), Keys.GROUP);
                        },
                        named));
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("endsOfTheStream")
    void itGoesOnAfterTheStreamWas(Incident incident) {
        start();
        String last =
                redis.commands().xrevrange(STREAM, Range.unbounded()).get(0).getId();
        await().atMost(LIMIT).until(() -> last.equals(redis.commands().get(KEYS.checkpoint())));
        SequentialFold expected = SequentialFold.over(redis.commands());
        inOneTransaction(incident.change);
        // the checkpoint is known to be of another stream only as long as all ids of this one are below it
        awaitFold(expected);
        append(100);
        awaitFold(expected);
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
        assertThat(lines()).hasSizeLessThanOrEqualTo(MOST_LINES);
        assertThat(interruptions()).hasSizeLessThanOrEqualTo(1).isSubsetOf(incident.named);
    }

    @Test
    void itAppliesTheEntryWithTheHighestPossibleIdAndGoesOnWithANewStream() {
        start();
        redis.commands()
                .xadd(
                        STREAM,
                        new XAddArgs().id("18446744073709551615-18446744073709551615"),
                        CheckinCodec.encode(new Checkin(999, 1, 5)));
        awaitFold();
        SequentialFold expected = SequentialFold.over(redis.commands());
        await().during(HOLD).atMost(LIMIT).until(() -> isReady() && isAlive());
        assertThat(lines()).singleElement().asString().contains("more than an hour ahead of the clock of Redis");
        redis.commands().del(STREAM);
        append(100);
        awaitFold(expected);
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
    }

    @Test
    void whatOnlyTheJanitorMayNotDoIsSaidOnceAndItIsNotReady() {
        start("checkin.processor.retain-entries=" + BACKLOG);
        redis.permit("-xtrim");
        try {
            append(BACKLOG);
            awaitFold();
            awaitNotReadyButAlive();
        } finally {
            redis.permit("+@all");
        }
        await().atMost(LIMIT).until(SelfHealingIT::isReady);
        assertThat(lines())
                .satisfiesExactly(
                        line -> assertThat(line)
                                .startsWith("Redis connection 'script': what is needed is not permitted: "),
                        line -> assertThat(line).isEqualTo("The janitor fails (FORBIDDEN)"),
                        line -> assertThat(line).isEqualTo("The janitor goes on"));
    }

    @Test
    void aGroupThatTrimmingCannotWaitForIsSaidOnceAndCounted() {
        start("checkin.processor.retain-entries=" + BACKLOG, "checkin.processor.max-length=1000");
        redis.commands().xgroupCreate(StreamOffset.from(STREAM, "0"), "slow");
        append(BACKLOG);
        await().atMost(LIMIT).during(HOLD).until(() -> groupsPassedOver() == 0);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(2 * BACKLOG);
        append(BACKLOG);
        await().atMost(LIMIT).until(() -> groupsPassedOver() == 1);
        await().atMost(LIMIT)
                .until(() -> redis.commands().xlen(STREAM) < 2 * BACKLOG); // from then on it is waited for again
        assertThat(lines())
                .containsExactly(
                        "The stream is too long to wait for groups [slow]: what they have not read is trimmed");
    }

    private static double groupsPassedOver() {
        return Objects.requireNonNull(processor)
                .getBean(MeterRegistry.class)
                .get("checkin.stream.groups.passed.over")
                .gauge()
                .value();
    }
}
