package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealCluster;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

/** Rankings of locations, from the stream to the answer, on a cluster with 16 partitions. */
@Timeout(120)
final class ClusterRankingsIT {

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withoutReplicas();

    private static final Partitions PARTITIONS = Partitions.of(16);
    private static final int CHECKINS = 10_000;
    private static final int LOCATIONS = 1_000;
    private static final long SEED = Long.getLong("ranking.seed", System.nanoTime());

    /** What a location has in the ranking. */
    private record Counted(long id, long checkins, long stars) {

        static Counted of(JsonNode item) {
            JsonNode stars = item.get("numStars");
            return new Counted(
                    item.get("id").asLong(), item.get("numCheckins").asLong(), stars == null ? 0 : stars.asLong());
        }

        Counted and(Checkin checkin) {
            return new Counted(id, checkins + 1, stars + checkin.starRating());
        }

        Counted withoutStars() {
            return new Counted(id, checkins, 0);
        }

        double average() {
            return (double) stars / checkins;
        }
    }

    private static final Comparator<Counted> BY_CHECKINS = Comparator.comparingLong(Counted::checkins)
            .thenComparing(counted -> Long.toString(counted.id))
            .reversed();

    private static RedisCommands<String, String> commands(Keys keys) {
        return cluster.commands(keys.checkins());
    }

    private static String[] settings(String... more) {
        String nodes =
                cluster.nodes().stream().map(node -> "127.0.0.1:" + node.port()).collect(Collectors.joining(","));
        List<String> all = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.data.redis.cluster.nodes=" + nodes,
                "--checkin.partitions=" + PARTITIONS.count()));
        all.addAll(List.of(more));
        return all.toArray(String[]::new);
    }

    @Test
    void theyAreThoseOfAFullCount() throws Exception {
        System.out.println("-Dranking.seed=" + SEED);
        new RandomCheckins(SEED, 1_000, LOCATIONS)
                .append(PARTITIONS, partition -> commands(PARTITIONS.keys(partition)), CHECKINS);
        try (ConfigurableApplicationContext processor =
                ProcessorApplication.run(settings("--checkin.processor.projections=boards"))) {
            assertThat(processor.isRunning()).isTrue();
            await().atMost(Duration.ofSeconds(60)).until(() -> applied() == CHECKINS);
        }
        Map<Long, Counted> count = fullCount();
        List<Counted> most =
                first(count, BY_CHECKINS).stream().map(Counted::withoutStars).toList();
        assertThat(firstOfEachPartition())
                .as("or the numbers are too easy")
                .hasSize(100)
                .isNotEqualTo(most);

        try (ConfigurableApplicationContext api = ApiApplication.run(settings())) {
            for (String window : List.of("1h", "24h", "all")) {
                assertThat(ranking(api, "window=" + window)).as(window).isEqualTo(most);
            }
            for (long least : new long[] {1, 10, 15}) {
                count.values().removeIf(counted -> counted.checkins < least);
                assertThat(ranking(api, "by=stars&minCheckins=" + least))
                        .as("%d checkins", least)
                        .isEqualTo(first(
                                count,
                                Comparator.comparingDouble(Counted::average)
                                        .reversed()
                                        .thenComparing(BY_CHECKINS)));
            }
        }
    }

    private static long applied() {
        return PARTITIONS.all().stream()
                .map(PARTITIONS::keys)
                .map(keys -> commands(keys).hget(keys.boardsTotals(), "applied"))
                .mapToLong(applied -> applied == null ? 0 : Long.parseLong(applied))
                .sum();
    }

    private static Map<Long, Counted> fullCount() throws Exception {
        Map<Long, Counted> count = new TreeMap<>();
        for (int partition : PARTITIONS.all()) {
            Keys keys = PARTITIONS.keys(partition);
            for (var entry : commands(keys).xrange(keys.checkins(), Range.unbounded())) {
                Checkin checkin = CheckinCodec.decode(entry.getBody());
                count.merge(
                        checkin.locationId(),
                        new Counted(checkin.locationId(), 0, 0).and(checkin),
                        (before, ignored) -> before.and(checkin));
            }
        }
        return count;
    }

    /** The first of each partition, added up, which is not what is wanted. */
    private static List<Counted> firstOfEachPartition() {
        Map<Long, Counted> sums = new TreeMap<>();
        for (int partition : PARTITIONS.all()) {
            Keys keys = PARTITIONS.keys(partition);
            commands(keys).zrevrangeWithScores(keys.locationBoard(), 0, 99).forEach(share -> {
                long id = Long.parseLong(share.getValue());
                sums.merge(
                        id,
                        new Counted(id, (long) share.getScore(), 0),
                        (one, other) -> new Counted(id, one.checkins + other.checkins, 0));
            });
        }
        return first(sums, BY_CHECKINS);
    }

    private static List<Counted> first(Map<Long, Counted> count, Comparator<Counted> order) {
        return count.values().stream().sorted(order).limit(100).toList();
    }

    private static List<Counted> ranking(ConfigurableApplicationContext api, String query) {
        HttpAnswer answer = HttpAnswer.get("http://localhost:"
                + api.getEnvironment().getRequiredProperty("local.server.port") + "/locations/top?limit=100&" + query);
        assertThat(answer.status()).as(answer.body()).isEqualTo(200);
        return answer.json().get("items").valueStream().map(Counted::of).toList();
    }
}
