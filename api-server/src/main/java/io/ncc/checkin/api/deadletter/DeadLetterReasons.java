package io.ncc.checkin.api.deadletter;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.api.web.SharedAnswers;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.redis.LuaScript;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Executor;
import java.util.function.BinaryOperator;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.springframework.stereotype.Component;

/** Counts the dead letters of a group by their reason. */
@Component
final class DeadLetterReasons {

    private static final Duration OLDEST = Duration.ofSeconds(1);
    private static final int MOST_REASONS = 100;
    private static final int MOST_COUNTED = 10_000; // of a partition
    private static final int MOST_AT_ONCE = 1_000;

    private final LuaScript script = LuaScript.of(DeadLetterReasons.class, "dead-reasons");
    private final PartitionLinks redis;
    private final Partitions partitions;
    private final SharedAnswers<ProjectionGroup, Reasons> answers;

    DeadLetterReasons(PartitionLinks redis, Partitions partitions, Executor applicationTaskExecutor) {
        this.redis = redis;
        this.partitions = partitions;
        this.answers = new SharedAnswers<>(applicationTaskExecutor, OLDEST);
    }

    /** @param newest the id of the newest dead letter that has it */
    record Reason(String reason, long count, CheckinId newest) {

        private Reason and(Reason other) {
            return new Reason(reason, count + other.count, newest.compareTo(other.newest) > 0 ? newest : other.newest);
        }
    }

    /** @param more whether there are older dead letters, which were not counted, or more reasons */
    record Reasons(List<Reason> items, boolean more) {}

    /** The highest count first. */
    CompletionStage<Reasons> read(ProjectionGroup group) {
        return answers.of(
                group,
                () -> redis.ofAll(partition -> count(group, partition, "+", MOST_COUNTED, List.of()))
                        .thenApply(DeadLetterReasons::sum));
    }

    /** One call after the other, so that none of them takes long. */
    private CompletionStage<Reasons> count(
            ProjectionGroup group, int partition, String from, int most, List<Reason> before) {
        String[] keys = {group.keys(partitions.keys(partition)).deadLetters()};
        String[] args = {from, Integer.toString(Math.min(most, MOST_AT_ONCE))};
        return redis.of(partition)
                .<List<Object>>send(commands -> script.run(commands, ScriptOutputType.MULTI, keys, args))
                .thenCompose(reply -> {
                    List<Reason> reasons = new ArrayList<>(before);
                    for (Object each : reply.subList(2, reply.size())) {
                        List<?> reason = (List<?>) each;
                        reasons.add(new Reason(
                                (String) reason.get(0),
                                (Long) reason.get(1),
                                CheckinId.of(partitions, partition, (String) reason.get(2))));
                    }
                    String last = (String) reply.get(0);
                    int left = most - ((Long) reply.get(1)).intValue();
                    return last.isEmpty() || left <= 0
                            ? CompletableFuture.completedFuture(new Reasons(merged(reasons), !last.isEmpty()))
                            : count(group, partition, last, left, merged(reasons));
                });
    }

    private static Reasons sum(List<Reasons> shares) {
        List<Reason> all =
                merged(shares.stream().flatMap(share -> share.items().stream()).toList());
        return new Reasons(
                all.stream()
                        .sorted(Comparator.comparingLong(Reason::count)
                                .reversed()
                                .thenComparing(Reason::reason))
                        .limit(MOST_REASONS)
                        .toList(),
                all.size() > MOST_REASONS || shares.stream().anyMatch(Reasons::more));
    }

    private static List<Reason> merged(List<Reason> reasons) {
        BinaryOperator<Reason> both = Reason::and;
        Map<String, Reason> byReason =
                reasons.stream().collect(Collectors.toMap(Reason::reason, Function.identity(), both));
        return List.copyOf(byReason.values());
    }
}
