package io.ncc.checkin.api.board;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ScoredValue;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.api.board.SumRanking.Rated;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.ConfigurableApplicationContext;

/** A ranking over several boards is that of a full count, whatever the numbers are like. */
@Timeout(120)
final class SumRankingIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Partitions PARTITIONS = Partitions.of(16);
    private static final int LOCATIONS = 1_000;
    private static final int CHECKINS = 10_000;
    private static final int ENOUGH = 1 << 20;
    private static final long SEED = Long.getLong("ranking.seed", System.nanoTime());
    private static final int ROUNDS = Integer.getInteger("ranking.rounds", 1);

    private static ConfigurableApplicationContext api;

    private final Map<Long, long[]> count = new TreeMap<>(); // location -> checkins, stars

    /** How checkins are spread over locations. */
    enum Spread {
        /** Zipf's law: half of them at a few locations. */
        SKEWED {
            @Override
            long location(Random random, int number) {
                return (long) Math.exp(random.nextDouble() * Math.log(LOCATIONS));
            }
        },
        FLAT {
            @Override
            long location(Random random, int number) {
                return 1L + random.nextInt(LOCATIONS);
            }
        },
        /** As many at each: only ties. */
        EQUAL {
            @Override
            long location(Random random, int number) {
                return 1L + number % LOCATIONS;
            }
        },
        /** Large ids, which a double can't hold. */
        LARGE {
            @Override
            long location(Random random, int number) {
                return Long.MAX_VALUE - (long) (LOCATIONS * random.nextDouble() * random.nextDouble());
            }
        };

        abstract long location(Random random, int number);
    }

    @BeforeAll
    static void start() {
        System.out.println("-Dranking.seed=" + SEED);
        api = ApiApplication.run(
                "--server.port=0", "--spring.data.redis.url=" + redis.uri(), "--checkin.partitions=16");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    private static SumRanking ranking(int mostIds) {
        return new SumRanking(
                api.getBean("redis", PartitionLinks.class),
                api.getBean(BoardReader.class),
                api.getBean("applicationTaskExecutor", Executor.class),
                mostIds);
    }

    private static List<Board> boards(Function<Keys, String> key) {
        return PARTITIONS.all().stream()
                .map(partition -> new Board(partition, key.apply(PARTITIONS.keys(partition))))
                .toList();
    }

    /** Counts random checkins on the boards of their partitions, and all of them in {@link #count}. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private void fill(Spread spread, long seed, int checkins) {
        Random random = new Random(seed);
        Map<String, Map<Long, Double>> boards = new TreeMap<>();
        for (int number = 0; number < checkins; number++) {
            long location = spread.location(random, number);
            int stars = random.nextInt(6);
            Keys keys = PARTITIONS.keys(random.nextInt(PARTITIONS.count()));
            boards.computeIfAbsent(keys.locationBoard(), key -> new TreeMap<>()).merge(location, 1.0, Double::sum);
            boards.computeIfAbsent(keys.starBoard(), key -> new TreeMap<>())
                    .merge(location, (double) stars, Double::sum);
            long[] sums = count.computeIfAbsent(location, key -> new long[2]);
            sums[0]++;
            sums[1] += stars;
        }
        boards.forEach((key, scores) -> redis.commands()
                .zadd(
                        key,
                        scores.entrySet().stream()
                                .map(score -> ScoredValue.just(
                                        score.getValue(), score.getKey().toString()))
                                .toArray(ScoredValue[]::new)));
    }

    private List<Ranked> fullCount(int most) {
        return count.entrySet().stream()
                .map(sums -> new Ranked(sums.getKey(), sums.getValue()[0]))
                .sorted(Comparator.comparingLong(Ranked::score)
                        .thenComparing(ranked -> Long.toString(ranked.id()))
                        .reversed())
                .limit(most)
                .toList();
    }

    private static List<Ranked> top(int mostIds, int most) {
        return RedisLink.await(ranking(mostIds).top(boards(Keys::locationBoard), most));
    }

    @ParameterizedTest
    @EnumSource
    void theMostCheckinsAreThoseOfAFullCount(Spread spread) {
        for (int round = 0; round < ROUNDS; round++) {
            redis.commands().flushall();
            count.clear();
            fill(spread, SEED + round, CHECKINS);
            for (int most : new int[] {1, 10, 100}) {
                assertThat(top(ENOUGH, most))
                        .as("%d of seed %d", most, SEED + round)
                        .isEqualTo(fullCount(most));
            }
        }
    }

    /** Or the numbers would be too easy to tell a right ranking from a wrong one. */
    @ParameterizedTest
    @EnumSource
    void theFirstOfEachBoardAddedUpAreAnotherRanking(Spread spread) {
        fill(spread, SEED, CHECKINS);
        Map<Long, Long> sums = new TreeMap<>();
        for (Board board : boards(Keys::locationBoard)) {
            RedisLink.await(api.getBean(BoardReader.class).read(board, 0, 100))
                    .items()
                    .forEach(item -> sums.merge(item.id(), item.score(), Long::sum));
        }
        List<Ranked> addedUp = sums.entrySet().stream()
                .map(sum -> new Ranked(sum.getKey(), sum.getValue()))
                .sorted(Ranked.ORDER)
                .limit(100)
                .toList();
        assertThat(addedUp).as("seed %d", SEED).hasSize(100).isNotEqualTo(fullCount(100));
    }

    @ParameterizedTest
    @EnumSource
    void withFewSumsAtOnceItIsTheSame(Spread spread) {
        fill(spread, SEED, CHECKINS);
        assertThat(top(300, 100)).as("seed %d", SEED).isEqualTo(fullCount(100));
    }

    static Stream<Arguments> minimums() {
        return Stream.of(Spread.values())
                .flatMap(spread -> Stream.of(1, 23, 1_000_000).map(least -> Arguments.of(spread, least)));
    }

    @ParameterizedTest
    @MethodSource("minimums")
    void theMostStarsAreThoseOfAFullCount(Spread spread, long least) {
        fill(spread, SEED, CHECKINS);
        List<Rated> expected = count.entrySet().stream()
                .map(sums -> new Rated(sums.getKey(), sums.getValue()[0], sums.getValue()[1]))
                .filter(rated -> rated.checkins() >= least)
                .sorted((a, b) -> {
                    int byAverage = Long.compare(b.stars() * a.checkins(), a.stars() * b.checkins());
                    int byCheckins = Long.compare(b.checkins(), a.checkins());
                    return byAverage != 0
                            ? byAverage
                            : byCheckins != 0
                                    ? byCheckins
                                    : Long.toString(b.id()).compareTo(Long.toString(a.id()));
                })
                .limit(100)
                .toList();
        for (int mostIds : new int[] {ENOUGH, 300}) {
            assertThat(RedisLink.await(ranking(mostIds)
                            .topRated(least, boards(Keys::locationBoard), boards(Keys::starBoard), 100)))
                    .as("seed %d", SEED)
                    .isEqualTo(expected);
        }
    }

    @Test
    void fewBoardsOrNoneAreARankingToo() {
        assertThat(top(ENOUGH, 10)).isEmpty();
        redis.commands().zadd(PARTITIONS.keys(3).locationBoard(), 4, "7");
        redis.commands().zadd(PARTITIONS.keys(3).locationBoard(), 4, "what another program wrote");
        assertThat(top(ENOUGH, 10)).containsExactly(new Ranked(7, 4));
    }

    @Test
    void ofSkewedNumbersLittleIsRead() {
        fill(Spread.SKEWED, SEED, 200_000);
        redis.commands().configResetstat();
        assertThat(top(ENOUGH, 10)).isEqualTo(fullCount(10));
        assertThat(redis.calls("zrevrange"))
                .as("the first of each board, and one page")
                .isLessThanOrEqualTo(32);
        assertThat(redis.calls("zmscore")).as("a few candidates").isLessThanOrEqualTo(16);
    }

    @ParameterizedTest
    @EnumSource(names = {"SKEWED", "FLAT"})
    void whatGrowsMeanwhileIsNotCountedTwice(Spread spread) throws InterruptedException {
        fill(spread, SEED, CHECKINS);
        AtomicBoolean done = new AtomicBoolean();
        Thread writer = new Thread(() -> {
            Random random = new Random(SEED);
            while (!done.get()) {
                String board = PARTITIONS.keys(random.nextInt(16)).locationBoard();
                redis.commands().zincrby(board, 1, Long.toString(spread.location(random, 0)));
            }
        });
        writer.start();
        List<List<Ranked>> rankings = new ArrayList<>();
        try {
            for (int i = 0; i < 5; i++) {
                rankings.add(top(ENOUGH, 100));
            }
        } finally {
            done.set(true);
            writer.join();
        }
        for (List<Ranked> ranking : rankings) {
            assertThat(ranking).hasSize(100);
            String[] ids =
                    ranking.stream().map(ranked -> Long.toString(ranked.id())).toArray(String[]::new);
            double[] now = new double[ids.length];
            for (int partition = 0; partition < PARTITIONS.count(); partition++) {
                List<Double> scores =
                        redis.commands().zmscore(PARTITIONS.keys(partition).locationBoard(), ids);
                for (int i = 0; i < ids.length; i++) {
                    now[i] += Objects.requireNonNullElse(scores.get(i), 0.0);
                }
            }
            for (int i = 0; i < ids.length; i++) {
                assertThat((double) ranking.get(i).score()).isLessThanOrEqualTo(now[i]);
            }
        }
    }

    /** The highest of all, at the end of a board until it moves up, at some moment while the board is read. */
    @Test
    void whatMovesUpMeanwhileIsNotMissed() {
        Board checkins = new Board(0, PARTITIONS.keys(0).locationBoard());
        Board stars = new Board(0, PARTITIONS.keys(0).starBoard());
        Board more = new Board(1, PARTITIONS.keys(1).locationBoard());
        for (long location = 1; location <= 3_000; location++) {
            redis.commands().zadd(checkins.key(), 100, Long.toString(location));
            redis.commands().zadd(stars.key(), 100, Long.toString(location));
            redis.commands().zadd(more.key(), 100, Long.toString(10_000 + location));
        }
        redis.commands().zadd(stars.key(), 1_000_000, "7777");
        redis.commands().zadd(more.key(), 6, "7777");
        Random random = new Random(SEED);
        for (int round = 0; round < 200; round++) {
            redis.commands().zadd(checkins.key(), 95, "7777");
            boolean byStars = random.nextBoolean();
            CompletableFuture<List<Long>> first = (byStars
                            ? ranking(ENOUGH)
                                    .topRated(90, List.of(checkins), List.of(stars), 1)
                                    .thenApply(
                                            top -> top.stream().map(Rated::id).toList())
                            : ranking(ENOUGH)
                                    .top(List.of(checkins, more), 1)
                                    .thenApply(
                                            top -> top.stream().map(Ranked::id).toList()))
                    .toCompletableFuture();
            LockSupport.parkNanos(random.nextInt(4_000_000));
            redis.commands().zincrby(checkins.key(), 1_000, "7777");
            assertThat(first.join())
                    .as("round %d of seed %d, by stars: %s", round, SEED, byStars)
                    .containsExactly(7777L);
        }
    }
}
