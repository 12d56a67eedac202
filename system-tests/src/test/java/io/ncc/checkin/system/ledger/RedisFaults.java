package io.ncc.checkin.system.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.KillArgs;
import io.lettuce.core.RedisException;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.system.ledger.Snapshot.Wipe;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.List;
import java.util.Map;

/** The faults of Redis: of its processes, and of its data. */
final class RedisFaults {

    private static final Duration LIMIT = Duration.ofSeconds(20);
    private static final Duration CLOCK_AHEAD_BY = Duration.ofMinutes(10);

    /** Who follows is shown such entries only when the clocks of all partitions have passed them. */
    private static final Duration CLOCK_OF_ONE_AHEAD_BY = Duration.ofSeconds(2);

    private static final int ROOM = 4_096;

    private RedisFaults() {}

    private static LocalRedis primary(Scene scene) {
        return scene.redis().nodes().get(scene.primary());
    }

    private static LocalRedis replica(Scene scene) {
        return scene.redis().nodes().get(scene.redis().replicaOf(scene.primary()));
    }

    private static RedisPair pair(Scene scene) {
        return (RedisPair) scene.redis();
    }

    private static RedisShards shards(Scene scene) {
        return (RedisShards) scene.redis();
    }

    static void killRedis(Scene scene) {
        LocalRedis primary = primary(scene);
        primary.kill();
        primary.startAgain();
    }

    static void pauseRedis(Scene scene) {
        LocalRedis primary = primary(scene);
        primary.pause();
        scene.elapse(100, scene.topology().setup().hasFailovers() ? 400 : 1_500);
        primary.resume();
    }

    private static void kill(Scene scene, LocalRedis server) {
        server.kill();
        scene.elapse(1, 1_000);
        server.startAgain();
    }

    private static void pause(Scene scene, LocalRedis server) {
        server.pause();
        scene.elapse(100, 1_500);
        server.resume();
    }

    static void killReplica(Scene scene) {
        kill(scene, replica(scene));
    }

    static void pauseReplica(Scene scene) {
        pause(scene, replica(scene));
    }

    static void killSentinel(Scene scene) {
        kill(scene, pair(scene).sentinel());
    }

    static void pauseSentinel(Scene scene) {
        pause(scene, pair(scene).sentinel());
    }

    static void restartEmpty(Scene scene) {
        flushAll(scene);
        primary(scene).startAgainEmpty();
    }

    static void flushAll(Scene scene) {
        scene.history().wipe(scene.redis(), scene.redis().partitionsAt(scene.primary()), Wipe.EVERYTHING);
    }

    static void deleteStream(Scene scene) {
        scene.history().wipe(scene.redis(), scene.somePartitions(), Wipe.STREAM_DELETED);
    }

    static void flushScripts(Scene scene) {
        scene.redis().untilDoneOnPrimary(scene.partition(), RedisCommands::scriptFlush);
    }

    static void killClients(Scene scene) {
        scene.redis().untilDoneOnPrimary(scene.partition(), redis -> redis.clientKill(KillArgs.Builder.typeNormal()));
    }

    static void destroyGroup(Scene scene, String group) {
        scene.onStreams((redis, stream) -> redis.xgroupDestroy(stream, group));
    }

    static void rewindGroup(Scene scene, String group) {
        scene.onStreams((redis, stream) -> redis.xgroupSetid(StreamOffset.from(stream, "0"), group));
    }

    static void pauseClients(Scene scene) {
        int millis = 100 + scene.random().nextInt(scene.topology().setup().hasFailovers() ? 300 : 1_500);
        scene.redis().untilDoneOnPrimary(scene.partition(), redis -> redis.clientPause(millis));
        scene.elapse(millis, millis + 1);
    }

    static void fillMemory(Scene scene) {
        int node = scene.primary();
        scene.redis().on(node, redis -> redis.configSet("maxmemory", "1"));
        scene.elapse(300, 1_500);
        scene.redis().on(node, redis -> redis.configSet("maxmemory", "0"));
    }

    static boolean hasFileLimits() {
        try {
            return new ProcessBuilder("prlimit", "--version").start().waitFor() == 0;
        } catch (IOException e) {
            return false;
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    /** With {@code appendfsync always} Redis ends itself; otherwise it refuses writes until there is room again. */
    static void fillDisk(Scene scene) {
        int number = scene.primary();
        LocalRedis node = scene.redis().nodes().get(number);
        String info = scene.redis().on(number, redis -> redis.info("persistence"));
        boolean inParts = node.version().isAtLeast(7, 0);
        long size = figure(info, "aof_current_size") - (inParts ? figure(info, "aof_base_size") : 0);
        limitFiles(node, Long.toString(size + ROOM));
        await("the end of the disk")
                .atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> !node.isRunning()
                        || scene.redis()
                                .on(number, redis -> redis.info("persistence"))
                                .contains("aof_last_write_status:err"));
        if (node.isRunning()) {
            scene.elapse(100, 500);
            limitFiles(node, "unlimited");
            rewriteAppendOnlyFile(scene, number);
        } else {
            node.startAgain();
        }
    }

    /** As the documentation advises: what Redis 7.0 writes after a full disk can't be loaded, if it was given all data by a primary before. */
    private static void rewriteAppendOnlyFile(Scene scene, int number) {
        awaitPersistence(scene, number, "aof_last_write_status:ok");
        scene.redis().on(number, RedisCommands::bgrewriteaof);
        awaitPersistence(scene, number, "aof_rewrite_in_progress:0", "aof_rewrite_scheduled:0");
    }

    private static void awaitPersistence(Scene scene, int number, String... lines) {
        await(String.join(", ", lines))
                .atMost(LIMIT)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> scene.redis()
                        .on(number, redis -> redis.info("persistence"))
                        .lines()
                        .map(String::strip)
                        .toList()
                        .containsAll(List.of(lines)));
    }

    private static long figure(String info, String name) {
        return info.lines()
                .filter(line -> line.startsWith(name + ':'))
                .mapToLong(
                        line -> Long.parseLong(line.substring(name.length() + 1).strip()))
                .findFirst()
                .orElseThrow();
    }

    private static void limitFiles(LocalRedis node, String size) {
        try {
            Process limit =
                    new ProcessBuilder("prlimit", "--pid", Long.toString(node.pid()), "--fsize=" + size + ':').start();
            assertThat(limit.onExit().join().exitValue()).as("prlimit").isZero();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static void poison(Scene scene) {
        for (int i = 1 + scene.random().nextInt(5); i > 0; i--) {
            scene.onStreams((redis, stream) -> redis.xadd(stream, Map.of("poison", "yes")));
        }
    }

    /** XSETID is not in Lettuce. */
    static void setLastIdAhead(Scene scene) {
        Duration by = scene.redis().partitions().arePartitioned() ? CLOCK_OF_ONE_AHEAD_BY : CLOCK_AHEAD_BY;
        scene.onStreams((redis, stream) -> {
            String now = redis.time().get(0);
            long ahead = Long.parseLong(now) * 1_000 + by.toMillis();
            redis.eval(
                    "return redis.call('XSETID', KEYS[1], ARGV[1])",
                    ScriptOutputType.STATUS,
                    new String[] {stream},
                    ahead + "-0");
        });
    }

    static void failOver(Scene scene) {
        int primary = scene.primary();
        await("Sentinel to begin a failover")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .ignoreExceptionsInstanceOf(RedisException.class)
                .until(() -> "OK".equals(pair(scene).onSentinel(sentinel -> sentinel.failover(RedisPair.NAME))));
        scene.redis().awaitPrimaryOtherThan(scene.partition(), primary);
        scene.redis().awaitWhole();
    }

    static void killPrimary(Scene scene) {
        int primary = scene.primary();
        scene.redis().nodes().get(primary).kill();
        scene.redis().awaitPrimaryOtherThan(scene.partition(), primary);
        scene.redis().nodes().get(primary).startAgain();
        scene.redis().awaitWhole();
    }

    static void cutOffPrimary(Scene scene) {
        int primary = scene.primary();
        scene.redis().cutOff(primary);
        scene.redis().awaitPrimaryOtherThan(scene.partition(), primary);
        scene.elapse(100, 1_000);
        scene.redis().reconnect(primary);
        scene.redis().awaitWhole();
    }

    static void freezePrimary(Scene scene) {
        int primary = scene.primary();
        LocalRedis node = scene.redis().nodes().get(primary);
        node.pause();
        scene.redis().awaitPrimaryOtherThan(scene.partition(), primary);
        scene.elapse(100, 1_000);
        node.resume();
        scene.redis().awaitWhole();
    }

    static void failOverShard(Scene scene) {
        shards(scene).failOver(scene.primary());
        scene.redis().awaitWhole();
    }

    static void moveSlotKeyByKey(Scene scene) {
        shards(scene).moveKeyByKey(scene.partition(), anotherPrimary(scene));
    }

    static void moveSlotAtomically(Scene scene) {
        shards(scene).moveAtomically(scene.partition(), anotherPrimary(scene));
    }

    private static int anotherPrimary(Scene scene) {
        List<Integer> primaries = scene.redis().primaries();
        List<Integer> others = primaries.stream()
                .distinct()
                .filter(node -> !node.equals(primaries.get(scene.partition())))
                .sorted()
                .toList();
        return others.get(scene.random().nextInt(others.size()));
    }

    static void loseShard(Scene scene) {
        LocalRedis replica = replica(scene);
        LocalRedis primary = primary(scene);
        replica.kill();
        primary.kill();
        scene.elapse(2_500, 4_000); // the others give it up
        primary.startAgain();
        replica.startAgain();
        scene.redis().awaitWhole();
    }

    static void loseMajority(Scene scene) {
        LocalRedis one = primary(scene);
        LocalRedis another = scene.redis().nodes().get(anotherPrimary(scene));
        one.kill();
        another.kill();
        scene.elapse(2_500, 4_000);
        one.startAgain();
        another.startAgain();
        scene.redis().awaitWhole();
    }
}
