package io.ncc.checkin.processor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisException;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.BoardsFold;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealCluster;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/**
 * The same as {@link ChaosIT} on a cluster with 16 partitions: processors killed and paused, each group destroyed and rewound, a node killed and started
 * again, all while checkins come in. {@code -Dchaos.checkins=} and {@code -Dchaos.seed=} are as there.
 */
@Timeout(600)
final class ClusterChaosIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withoutReplicas();

    private static final int CHECKINS = Integer.getInteger("chaos.checkins", 16_000);
    private static final long SEED = Long.getLong("chaos.seed", new Random().nextInt(1_000_000_000));
    private static final Path JAR = new Jars(Path.of("..")).extracted("checkin-processor");
    private static final Partitions PARTITIONS = Partitions.of(16);
    private static final int AT_ONCE = 500;
    private static final Duration CLAIM_AFTER = Duration.ofMillis(500);
    private static final Duration LIMIT = Duration.ofSeconds(90);

    @TempDir
    Path folder;

    private final List<ServiceProcess> processors = new ArrayList<>();
    private final Random random = new Random(SEED);
    private final long start = System.nanoTime();

    @AfterEach
    void stopAll() {
        processors.forEach(ServiceProcess::close);
    }

    @Test
    void eachEntryCountsOnceInBothProjectionsWhateverHappens() {
        note("seed " + SEED);
        for (int i = 1; i <= 3; i++) {
            processors.add(ServiceProcess.ofJar(
                    "processor" + i,
                    folder,
                    List.of(),
                    JAR,
                    List.of(
                            "--server.port=0",
                            "--spring.data.redis.cluster.nodes="
                                    + cluster.nodes().stream()
                                            .map(node -> "127.0.0.1:" + node.port())
                                            .collect(Collectors.joining(",")),
                            "--checkin.partitions=" + PARTITIONS.count(),
                            "--checkin.processor.projections=totals,boards",
                            "--checkin.processor.consumer=processor" + i,
                            "--checkin.processor.claim-after=" + CLAIM_AFTER.toMillis() + "ms",
                            "--checkin.processor.claim-every=100ms")));
        }
        awaitAllUp();
        note("the processors are up");

        List<Runnable> faults = new ArrayList<>(List.of(
                this::killProcessor,
                this::pauseProcessor,
                () -> destroy(Keys.GROUP),
                () -> destroy(Keys.BOARDS_GROUP),
                () -> rewind(Keys.GROUP),
                () -> rewind(Keys.BOARDS_GROUP),
                this::killNode));
        Collections.shuffle(faults, random);
        AtomicInteger enough = new AtomicInteger();
        CompletableFuture<Void> traffic = CompletableFuture.runAsync(() -> append(enough, faults.size()));
        for (Runnable fault : faults) {
            fault.run();
            note("a fault is over");
            enough.incrementAndGet();
            ChaosRun.elapse(random.nextInt(300));
        }
        traffic.orTimeout(5, TimeUnit.MINUTES).join();
        note("all is appended");

        PARTITIONS.all().forEach(this::awaitFolds);
        note("all are the folds");
        assertThat(processors).flatMap(ServiceProcess::errors).isEmpty();
    }

    private void note(String event) {
        System.out.printf("chaos on a cluster, %6.3f s: %s%n", (System.nanoTime() - start) / 1e9, event);
    }

    /** In equal parts, one for each fault. Those of a failed call may be there or not. */
    private void append(AtomicInteger faultsOver, int faults) {
        RandomCheckins checkins = new RandomCheckins(SEED, 1_000, 200);
        for (int appended = 0; appended < CHECKINS; ) {
            if (appended >= (long) CHECKINS * (faultsOver.get() + 1) / (faults + 1)) {
                ChaosRun.elapse(5);
                continue;
            }
            try {
                checkins.append(PARTITIONS, partition -> commands(PARTITIONS.keys(partition)), AT_ONCE);
                appended += AT_ONCE;
            } catch (RedisException e) {
                ChaosRun.elapse(20); // a node is away
            }
        }
    }

    private static RedisCommands<String, String> commands(Keys keys) {
        return cluster.commands(keys.checkins());
    }

    private void killProcessor() {
        ServiceProcess victim = victim();
        victim.kill();
        ChaosRun.elapse(random.nextInt(1_000));
        victim.startAgain();
    }

    private void pauseProcessor() {
        ServiceProcess victim = victim();
        victim.pause();
        ChaosRun.elapse((int) CLAIM_AFTER.toMillis() + 200 + random.nextInt(1_000));
        victim.resume();
    }

    private ServiceProcess victim() {
        awaitAllUp();
        return processors.get(random.nextInt(processors.size()));
    }

    private void awaitAllUp() {
        await("the processors")
                .atMost(LIMIT)
                .pollDelay(Duration.ZERO)
                .until(() -> processors.stream().allMatch(ServiceProcess::isUp));
    }

    private void destroy(String group) {
        PARTITIONS.all().forEach(partition -> {
            Keys keys = PARTITIONS.keys(partition);
            commands(keys).xgroupDestroy(keys.checkins(), group);
        });
    }

    private void rewind(String group) {
        PARTITIONS.all().forEach(partition -> {
            Keys keys = PARTITIONS.keys(partition);
            await("group " + group)
                    .atMost(LIMIT)
                    .pollDelay(Duration.ZERO)
                    .ignoreExceptionsInstanceOf(RedisException.class) // it was destroyed just before
                    .until(() ->
                            "OK".equals(commands(keys).xgroupSetid(StreamOffset.from(keys.checkins(), "0"), group)));
        });
    }

    private void killNode() {
        RealCluster.Node node =
                cluster.nodes().get(random.nextInt(cluster.nodes().size()));
        node.kill();
        ChaosRun.elapse(random.nextInt(1_000));
        node.start();
        cluster.awaitReady();
    }

    private void awaitFolds(int partition) {
        Keys keys = PARTITIONS.keys(partition);
        RedisCommands<String, String> redis = commands(keys);
        SequentialFold totals = SequentialFold.over(Map.of(), keys).addStream(redis);
        BoardsFold boards = BoardsFold.of(redis, keys);
        await().atMost(LIMIT).untilAsserted(() -> totals.assertEqualTo(redis));
        await().atMost(LIMIT).untilAsserted(() -> boards.assertEqualTo(redis));
        for (String counted : List.of(keys.totals(), keys.boardsTotals())) {
            assertThat(redis.hgetall(counted))
                    .containsEntry("applied", Long.toString(redis.xlen(keys.checkins())))
                    .doesNotContainKeys("dead", "lost");
        }
    }
}
