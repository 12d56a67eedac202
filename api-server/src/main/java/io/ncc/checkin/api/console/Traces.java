package io.ncc.checkin.api.console;

import io.ncc.checkin.api.checkin.CheckinWithStatus;
import io.ncc.checkin.api.checkin.EntryStatus;
import io.ncc.checkin.api.checkin.StatusReader;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStream;
import io.ncc.checkin.service.LogLimit;
import io.ncc.redis.RedisCondition;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executor;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.stereotype.Component;
import tools.jackson.databind.json.JsonMapper;

/**
 * Those who trace a checkin: they are told what becomes of it, until it is settled or a minute is over. A dead letter isn't settled here: somebody may put it
 * back. One look is for all of a partition.
 */
@Component
final class Traces {

    private static final Logger log = LoggerFactory.getLogger(Traces.class);
    private static final Duration LONGEST = Duration.ofSeconds(60);
    private static final byte[] COMMENT = ":\n\n".getBytes(StandardCharsets.US_ASCII);

    private final StatusReader statuses;
    private final JsonMapper mapper;
    private final LogLimit failures = new LogLimit();
    private final Set<Trace> traces = ConcurrentHashMap.newKeySet();

    /** The partitions that haven't answered the last look. */
    private final Set<Integer> asked = ConcurrentHashMap.newKeySet();

    Traces(StatusReader statuses, JsonMapper mapper) {
        this.statuses = statuses;
        this.mapper = mapper;
    }

    private static final class Trace {

        private final CheckinId id;
        private final EventStream events;
        private final long deadline = System.nanoTime() + LONGEST.toNanos();
        private @Nullable EntryStatus last;

        Trace(CheckinId id, EventStream events) {
            this.id = id;
            this.events = events;
        }
    }

    private record End(String reason) {}

    int size() {
        return traces.size();
    }

    void add(CheckinId id, EventStream events) {
        Trace trace = new Trace(id, events);
        traces.add(trace);
        events.whenClosed(() -> traces.remove(trace));
        events.send(COMMENT); // so that the client sees that it is connected
    }

    /** Asks once what has become of all that are traced. To be called by the executor's one thread, which tells of the answers, too. */
    void look(Executor executor) {
        Map<Integer, List<Trace>> byPartition =
                traces.stream().collect(Collectors.groupingBy(trace -> trace.id.partition()));
        byPartition.forEach((partition, traced) -> {
            if (asked.add(partition)) {
                List<CheckinId> ids = traced.stream().map(trace -> trace.id).toList();
                CompletionStage<?> unused = statuses.read(partition, ids)
                        .whenComplete((found, failure) -> asked.remove(partition))
                        .whenCompleteAsync((found, failure) -> tell(traced, found, failure), executor);
            }
        });
    }

    /** @param found in the order of the traces; null after a failure */
    private void tell(List<Trace> traced, @Nullable List<EntryStatus> found, @Nullable Throwable failure) {
        if (failure != null && !RedisCondition.of(failure).isOutage() && failures.passes()) {
            log.warn("Checkins can't be traced", failure);
        }
        for (int i = 0; i < traced.size(); i++) {
            tell(traced.get(i), found == null ? null : found.get(i));
        }
    }

    private void tell(Trace trace, @Nullable EntryStatus status) {
        if (status != null && !status.equals(trace.last)) {
            trace.last = status;
            send(trace, "status", CheckinWithStatus.of(status));
        }
        boolean settled = status != null
                && (status.isSettled() || status.state() == EntryStatus.State.UNKNOWN)
                && status.deadLetter() == null;
        if (settled || System.nanoTime() - trace.deadline > 0) {
            traces.remove(trace);
            send(trace, "end", new End(settled ? "settled" : "timeout"));
            trace.events.end();
        }
    }

    private void send(Trace trace, String name, Object value) {
        trace.events.send(EventStream.event(name, mapper.writeValueAsString(value)));
    }

    void closeAll() {
        traces.forEach(trace -> trace.events.close());
    }
}
