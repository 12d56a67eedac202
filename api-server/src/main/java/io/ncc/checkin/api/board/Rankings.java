package io.ncc.checkin.api.board;

import io.ncc.checkin.api.board.SumRanking.Rated;
import io.ncc.checkin.api.web.SharedAnswers;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BiFunction;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Ranks users and locations. What is on one board is read from there. What is spread over several boards is added up, and shared among requests. */
@Component
final class Rankings {

    /** The longest ranking. */
    static final int MOST = 100;

    private final BoardReader reader;
    private final SumRanking sums;
    private final Partitions partitions;
    private final SharedAnswers<Window, Ranking<Ranked>> users;
    private final SharedAnswers<Window, Ranking<Ranked>> locations;
    private final SharedAnswers<Long, Ranking<Rated>> byStars;

    Rankings(BoardReader reader, SumRanking sums, Partitions partitions, Executor applicationTaskExecutor) {
        this.reader = reader;
        this.sums = sums;
        this.partitions = partitions;
        this.users = new SharedAnswers<>(applicationTaskExecutor);
        this.locations = new SharedAnswers<>(applicationTaskExecutor);
        this.byStars = new SharedAnswers<>(applicationTaskExecutor);
    }

    /** The users with the most checkins. A user is in one partition, so the first of all are among the first of their partitions. */
    CompletionStage<Ranking<Ranked>> users(Window window, int count) {
        if (window != Window.HOUR) {
            return first(window, keys -> window == Window.ALL ? keys.userBoard() : keys.userDayBoard(), count);
        }
        return users.of(window, () -> {
                    Instant now = Instant.now();
                    List<Ranked> first = new ArrayList<>();
                    return SumRanking.inTurn(
                                    partitions.all(),
                                    partition -> sums.top(boards(List.of(partition), hours(now, Keys::userBoard)), MOST)
                                            .thenAccept(first::addAll))
                            .thenApply(all -> ranking(
                                    window,
                                    now,
                                    first.stream()
                                            .sorted(Ranked.ORDER)
                                            .limit(MOST)
                                            .toList()));
                })
                .thenApply(ranking -> ranking.first(count));
    }

    /** The locations with the most checkins. */
    CompletionStage<Ranking<Ranked>> locations(Window window, int count) {
        Function<Keys, String> board = keys -> window == Window.ALL ? keys.locationBoard() : keys.locationDayBoard();
        if (window != Window.HOUR && partitions.count() == 1) {
            return first(window, board, count);
        }
        return locations
                .of(window, () -> {
                    Instant now = Instant.now();
                    List<Function<Keys, String>> keys =
                            window == Window.HOUR ? hours(now, Keys::locationBoard) : List.of(board);
                    return sums.top(boards(partitions.all(), keys), MOST).thenApply(top -> ranking(window, now, top));
                })
                .thenApply(ranking -> ranking.first(count));
    }

    /** Of what is on one board in each partition, for ids that are in one partition. */
    private CompletionStage<Ranking<Ranked>> first(Window window, Function<Keys, String> key, int count) {
        Instant now = Instant.now();
        return reader.first(partition -> key.apply(partitions.keys(partition)), count)
                .thenApply(first -> ranking(window, now, first));
    }

    /** The boards of the last hour and of the current one, and of the next, as the clock of Redis may be ahead of ours. */
    private static List<Function<Keys, String>> hours(Instant now, BiFunction<Keys, Instant, String> board) {
        Instant current = now.truncatedTo(ChronoUnit.HOURS);
        return Stream.of(-1, 0, 1)
                .<Function<Keys, String>>map(hours -> keys -> board.apply(keys, current.plus(hours, ChronoUnit.HOURS)))
                .toList();
    }

    /**
     * The locations with the highest average of stars.
     *
     * @param least how many checkins a location must have
     */
    CompletionStage<Ranking<Rated>> locationsByStars(long least, int count) {
        return byStars.of(least, () -> {
                    Instant now = Instant.now();
                    List<Integer> all = partitions.all();
                    return sums.topRated(
                                    least,
                                    boards(all, List.of(Keys::locationBoard)),
                                    boards(all, List.of(Keys::starBoard)),
                                    MOST)
                            .thenApply(top -> ranking(Window.ALL, now, top));
                })
                .thenApply(ranking -> ranking.first(count));
    }

    private List<Board> boards(List<Integer> of, List<Function<Keys, String>> keys) {
        return of.stream()
                .flatMap(partition ->
                        keys.stream().map(key -> new Board(partition, key.apply(partitions.keys(partition)))))
                .toList();
    }

    private static <T> Ranking<T> ranking(Window window, Instant now, List<T> items) {
        return new Ranking<>(window.since(now), now, items);
    }

    /**
     * A ranking.
     *
     * @param since the beginning of the time that it is about; null for all time
     * @param asOf when it was begun to be read
     */
    record Ranking<T>(@Nullable Instant since, Instant asOf, List<T> items) {

        Ranking<T> first(int count) {
            return new Ranking<>(since, asOf, items.subList(0, Math.min(count, items.size())));
        }

        Ranking<T> where(Predicate<T> condition) {
            return new Ranking<>(since, asOf, items.stream().filter(condition).toList());
        }
    }
}
