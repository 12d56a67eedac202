package io.ncc.checkin.api.board;

import io.lettuce.core.ScoredValue;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.RedisCondition;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.stereotype.Component;

/**
 * Ranks ids by the sums of their scores on several boards, exactly, and without reading more of the boards than it has to. This is the algorithm TPUT (Cao and
 * Wang, "Efficient Top-K Query Calculation in Distributed Networks", 2004). To find the k highest sums over n boards:
 *
 * <ol>
 *   <li>The first k of each board give sums that are too low, if anything. The k-th highest of them, t, is a bound: no lower sum is wanted.
 *   <li>An id with a sum of t or more has a score of t/n or more on at least one board. So all boards are read down to that score. Meanwhile t rises, and less has
 *       to be read.
 *   <li>Now a sum lacks at most the scores below t/n of boards where the id has not been seen. For each id that could still be among the first k, the scores
 *       of all boards are looked up.
 * </ol>
 *
 * <p>The boards may change meanwhile. What is added after a ranking was begun may be missing in it. An id that moves up while its board is read downwards may be
 * missed altogether. So if a board has changed where a page ends, it is read once more, upwards: then what has moved up is still to come.
 */
@Component
final class SumRanking {

    /** How many sums are kept at once: about 40 MB. */
    private static final int MOST_IDS = 1 << 20;

    private static final int MANY_BOARDS = 16;

    private static final int PAGE = 1000;
    private static final int OVERLAP = 10;
    private static final Comparator<Rated> BY_AVERAGE = Comparator.comparingDouble(Rated::average)
            .reversed()
            .thenComparing(rated -> new Ranked(rated.id(), rated.checkins()), Ranked.ORDER);

    private final PartitionLinks redis;
    private final BoardReader reader;
    private final Executor executor;
    private final int mostIds;

    @Autowired
    SumRanking(PartitionLinks redis, BoardReader reader, Executor applicationTaskExecutor) {
        this(redis, reader, applicationTaskExecutor, MOST_IDS);
    }

    /**
     * @param executor of the work between the reads, because the thread that reads the replies of Redis must not be held up
     * @param mostIds how many sums to keep at once
     */
    SumRanking(PartitionLinks redis, BoardReader reader, Executor executor, int mostIds) {
        this.redis = redis;
        this.reader = reader;
        this.executor = executor;
        this.mostIds = mostIds;
    }

    /** The {@code count} highest sums, descending. */
    CompletionStage<List<Ranked>> top(List<Board> boards, int count) {
        return inSlices(sums -> top(boards, count, sums), Ranked.ORDER, count, 1);
    }

    private CompletionStage<List<Ranked>> top(List<Board> boards, int count, Supplier newSums) {
        Sums sums = newSums.of(boards);
        List<Walk> walks = walks(boards, sums);
        return eachInTurn(walks, walk -> walk.readOn(count)).thenCompose(read -> {
            long filled = walks.stream().filter(walk -> !walk.isEmpty()).count();
            if (filled <= 1) {
                return CompletableFuture.completedFuture(sums.top(count));
            }
            return readToBound(walks, sums, count, filled, 1).thenCompose(floor -> {
                long bound = sums.atRank(count);
                if (floor == 1) {
                    return CompletableFuture.completedFuture(sums.top(count)); // everything was read
                }
                long[] candidates = sums.where(couldReach(bound, floor, walks));
                return look(candidates, boards, newSums.of(boards)).thenApply(exact -> exact.top(count));
            });
        });
    }

    /**
     * Reads all boards down to the share of the bound. The bound rises with what is read, so they are read a few pages at a time.
     *
     * @return the score that they were read down to
     */
    private CompletionStage<Long> readToBound(List<Walk> walks, Sums sums, int count, long filled, int pages) {
        long bound = sums.atRank(count);
        long floor = share(bound, filled);
        List<Walk> unfinished =
                walks.stream().filter(walk -> !walk.isBelow(floor)).toList();
        return unfinished.isEmpty()
                ? eachInTurn(walks.stream().filter(walk -> walk.moved).toList(), walk -> walk.readUpFrom(floor))
                        .thenApply(all -> floor)
                : eachInTurn(unfinished, walk -> walk.readDownTo(floor, pages))
                        .thenCompose(read -> readToBound(walks, sums, count, filled, 2 * pages));
    }

    /**
     * The locations with the highest average of stars, descending; of equal averages, that of more checkins comes first.
     *
     * @param least how many checkins a location must have
     * @param checkins the boards with the checkins of the locations, of all partitions
     * @param stars the boards with the stars of the locations, of all partitions
     */
    CompletionStage<List<Rated>> topRated(long least, List<Board> checkins, List<Board> stars, int count) {
        return inSlices(newSums -> topRated(least, checkins, stars, count, newSums), BY_AVERAGE, count, 1);
    }

    private CompletionStage<List<Rated>> topRated(
            long least, List<Board> checkins, List<Board> stars, int count, Supplier newSums) {
        Sums partial = newSums.of(checkins);
        List<Walk> walks = walks(checkins, partial);
        long floor = share(least, checkins.size());
        return eachInTurn(walks, walk -> walk.readUpFrom(floor)).thenCompose(read -> {
            long[] candidates = partial.where(couldReach(least, floor, walks));
            boolean all = walks.stream().allMatch(walk -> walk.ended);
            CompletionStage<Sums> sums = all || walks.size() == 1
                    ? CompletableFuture.completedFuture(partial)
                    : look(candidates, checkins, newSums.of(checkins));
            CompletionStage<Sums> starSums =
                    all ? readAll(stars, newSums.of(stars)) : look(candidates, stars, newSums.of(stars));
            return sums.thenCompose(exact -> starSums.thenApply(sumOfStars -> Arrays.stream(candidates)
                    .filter(id -> exact.of(id) >= least)
                    .mapToObj(id -> new Rated(id, exact.of(id), sumOfStars.of(id)))
                    .sorted(BY_AVERAGE)
                    .limit(count)
                    .toList()));
        });
    }

    /** Adds up all scores of all boards. To read a score costs Redis less than to look it up. */
    private CompletionStage<Sums> readAll(List<Board> boards, Sums sums) {
        return eachInTurn(walks(boards, sums), walk -> walk.readUpFrom(1)).thenApply(all -> sums);
    }

    private List<Walk> walks(List<Board> boards, Sums sums) {
        return IntStream.range(0, boards.size())
                .mapToObj(number -> new Walk(number, boards.get(number), sums))
                .toList();
    }

    /** The score that an id with this sum has at least on one of the boards. */
    private static long share(long sum, long boards) {
        return Math.max(1, (sum + boards - 1) / boards);
    }

    /** Chooses the ids whose sums can be as high as the bound, after all boards were read down to the floor. */
    private static Sums.Choice couldReach(long bound, long floor, List<Walk> walks) {
        long unfinished = walks.stream().filter(walk -> !walk.ended).count();
        return (sum, unseen) -> sum + Math.min(unfinished, unseen) * (floor - 1) >= bound;
    }

    /** Adds up the scores that these ids have on all boards. */
    private CompletionStage<Sums> look(long[] ids, List<Board> boards, Sums sums) {
        List<long[]> some = IntStream.iterate(0, from -> from < ids.length, from -> from + PAGE)
                .mapToObj(from -> Arrays.copyOfRange(ids, from, Math.min(from + PAGE, ids.length)))
                .toList();
        List<Lookup> lookups = IntStream.range(0, boards.size())
                .boxed()
                .flatMap(number -> some.stream().map(part -> new Lookup(number, boards.get(number), part, sums)))
                .toList();
        return eachInTurn(lookups, Lookup::add).thenApply(all -> sums);
    }

    /** Does something of each partition at a time. What comes after it has a thread of the executor, so it may take a while. */
    private <T extends OfPartition> CompletionStage<?> eachInTurn(
            List<T> items, Function<T, ? extends CompletionStage<?>> step) {
        var ofPartitions = items.stream()
                .collect(Collectors.groupingBy(item -> item.board().partition()));
        return redis.ofAll(partition -> inTurn(ofPartitions.getOrDefault(partition, List.of()), step))
                .thenApplyAsync(all -> all, executor);
    }

    /** Does the same for one after the other. */
    static <T> CompletionStage<Boolean> inTurn(List<T> items, Function<T, ? extends CompletionStage<?>> step) {
        CompletionStage<Boolean> all = CompletableFuture.completedFuture(true);
        for (T item : items) {
            all = all.thenCompose(done -> step.apply(item).thenApply(result -> done));
        }
        return all;
    }

    /** Does the work for all ids at once; if they are too many, for one slice of them after the other. */
    private <T> CompletionStage<List<T>> inSlices(
            Function<Supplier, CompletionStage<List<T>>> work, Comparator<T> order, int count, int slices) {
        List<T> found = new ArrayList<>();
        List<Integer> all = IntStream.range(0, slices).boxed().toList();
        return inTurn(
                        all,
                        slice -> work.apply(boards -> new Sums(mostOf(boards), slices, slice, boards.size()))
                                .thenAccept(found::addAll))
                .<List<T>>thenApply(
                        done -> found.stream().sorted(order).limit(count).toList())
                .exceptionallyCompose(failure -> RedisCondition.unwrapped(failure) instanceof Sums.TooManyIdsException
                        ? inSlices(work, order, count, 2 * slices)
                        : CompletableFuture.failedFuture(failure));
    }

    /** For more boards fewer sums, so that they take no more memory. */
    private int mostOf(List<Board> boards) {
        return (int) (mostIds * (long) Sums.bytes(MANY_BOARDS) / Sums.bytes(Math.max(MANY_BOARDS, boards.size())));
    }

    /** Makes empty sums, all of the same slice. */
    private interface Supplier {
        Sums of(List<Board> boards);
    }

    private interface OfPartition {
        Board board();
    }

    /** A location with what it is rated by. */
    record Rated(long id, long checkins, long stars) {

        double average() {
            return (double) stars / checkins;
        }
    }

    private final class Lookup implements OfPartition {

        private final int number;
        private final Board board;
        private final long[] ids;
        private final Sums sums;

        Lookup(int number, Board board, long[] ids, Sums sums) {
            this.number = number;
            this.board = board;
            this.ids = ids;
            this.sums = sums;
        }

        @Override
        public Board board() {
            return board;
        }

        CompletionStage<?> add() {
            return reader.scores(board, ids).thenAccept(scores -> {
                for (int i = 0; i < ids.length; i++) {
                    sums.add(number, ids[i], scores[i]);
                }
            });
        }
    }

    /** Reads a board, and adds what it reads to the sums. */
    private final class Walk implements OfPartition {

        private final int number;
        private final Board board;
        private final Sums sums;
        private long read;
        private @Nullable Ranked lowest;
        private @Nullable ScoredValue<String> last;
        private volatile boolean ended;
        private volatile boolean moved;

        /** @param number of the board, from 0 on */
        Walk(int number, Board board, Sums sums) {
            this.number = number;
            this.board = board;
            this.sums = sums;
        }

        @Override
        public Board board() {
            return board;
        }

        boolean isEmpty() {
            return ended && lowest == null;
        }

        boolean isBelow(long floor) {
            return ended || (lowest != null && lowest.score() < floor);
        }

        CompletionStage<Boolean> readDownTo(long floor, int pages) {
            return pages == 0 || isBelow(floor)
                    ? CompletableFuture.completedFuture(true)
                    : readOn(PAGE).thenCompose(page -> readDownTo(floor, pages - 1));
        }

        /** Reads a page, downwards. Its first id is the last one of the page before, or else the board has changed in between. */
        CompletionStage<Boolean> readOn(int count) {
            long from = Math.max(0, read - 1);
            return reader.read(board, from, count).thenApply(part -> {
                List<ScoredValue<String>> members = part.members();
                moved |= last != null && (members.isEmpty() || !members.get(0).equals(last));
                for (Ranked item : part.items()) {
                    lowest = item;
                    sums.add(number, item.id(), item.score());
                }
                last = members.isEmpty() ? last : members.get(members.size() - 1);
                read = from + count;
                ended = part.ended();
                return ended;
            });
        }

        /** Reads all that have this score or more, upwards. */
        CompletionStage<Boolean> readUpFrom(long floor) {
            return reader.countBelow(board, floor).thenCompose(below -> {
                ended = below == 0;
                return readUp(floor, Math.max(0, below - 1), List.of());
            });
        }

        /**
         * Reads a page and all above it. Pages overlap: a page continues the one before it if both contain an id with the same score, or if it begins
         * below the floor, or with the first id of the board. Otherwise so many ids have moved up that some may be between the two pages, and the page is read again further down.
         */
        private CompletionStage<Boolean> readUp(long floor, long from, List<ScoredValue<String>> before) {
            return reader.readUp(board, from, PAGE).thenCompose(part -> {
                List<ScoredValue<String>> members = part.members();
                for (Ranked item : part.items()) {
                    if (item.score() >= floor) {
                        sums.add(number, item.id(), item.score());
                    }
                }
                boolean joins = from == 0
                        || members.stream().anyMatch(member -> member.getScore() < floor || before.contains(member));
                if (!joins) {
                    return readUp(floor, Math.max(0, from - PAGE), before);
                }
                return part.ended()
                        ? CompletableFuture.completedFuture(true)
                        : readUp(floor, from + PAGE - OVERLAP, members);
            });
        }
    }
}
