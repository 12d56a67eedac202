package io.ncc.checkin.api.board;

import io.lettuce.core.Range;
import io.lettuce.core.ScoredValue;
import io.ncc.checkin.service.PartitionLinks;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.IntFunction;
import org.springframework.stereotype.Component;

/** Reads boards. */
@Component
final class BoardReader {

    private final PartitionLinks redis;

    BoardReader(PartitionLinks redis) {
        this.redis = redis;
    }

    /**
     * A part of a board, from the highest score down.
     *
     * @param from how many come before it
     */
    CompletionStage<Part> read(Board board, long from, int count) {
        return redis.of(board.partition())
                .<List<ScoredValue<String>>>send(
                        commands -> commands.zrevrangeWithScores(board.key(), from, from + count - 1))
                .thenApply(members -> new Part(members, members.size() < count));
    }

    /**
     * A part of a board, from the lowest score up.
     *
     * @param from how many come before it
     */
    CompletionStage<Part> readUp(Board board, long from, int count) {
        return redis.of(board.partition())
                .<List<ScoredValue<String>>>send(
                        commands -> commands.zrangeWithScores(board.key(), from, from + count - 1))
                .thenApply(members -> new Part(members, members.size() < count));
    }

    /** How many have a lower score. */
    CompletionStage<Long> countBelow(Board board, long score) {
        Range<Long> lower = Range.from(Range.Boundary.unbounded(), Range.Boundary.excluding(score));
        return redis.of(board.partition()).send(commands -> commands.zcount(board.key(), lower));
    }

    /** The first of what all partitions have on a board of this kind, for ids that are in one partition each. */
    CompletionStage<List<Ranked>> first(IntFunction<String> key, int count) {
        return redis.ofAll(partition -> read(new Board(partition, key.apply(partition)), 0, count))
                .thenApply(parts -> parts.stream()
                        .flatMap(part -> part.items().stream())
                        .sorted(Ranked.ORDER)
                        .limit(count)
                        .toList());
    }

    /** The scores of these ids, in their order: 0 for one that isn't on the board. */
    CompletionStage<long[]> scores(Board board, long[] ids) {
        String[] members = Arrays.stream(ids).mapToObj(Long::toString).toArray(String[]::new);
        return redis.of(board.partition())
                .<List<Double>>send(commands -> commands.zmscore(board.key(), members))
                .thenApply(scores -> scores.stream()
                        .mapToLong(score -> score == null ? 0 : score.longValue())
                        .toArray());
    }

    /**
     * A part of a board.
     *
     * @param members in its order
     * @param ended whether nothing comes after it
     */
    record Part(List<ScoredValue<String>> members, boolean ended) {

        /** Without what another program wrote, and is no id. */
        List<Ranked> items() {
            List<Ranked> items = new ArrayList<>(members.size());
            for (ScoredValue<String> member : members) {
                try {
                    items.add(new Ranked(Long.parseLong(member.getValue()), (long) member.getScore()));
                } catch (NumberFormatException e) {
                    // not ours
                }
            }
            return items;
        }
    }
}
