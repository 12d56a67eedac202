package io.ncc.checkin.api.pull;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.live.StreamTail;
import io.ncc.checkin.model.Keys;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.springframework.stereotype.Component;

/** Consumer groups of other programs. Whoever waits for entries waits for the {@link StreamTail}, which is one connection for all. */
@Component
final class PullGroups {

    private final LuaScript create = LuaScript.of(PullGroups.class, "create-group");
    private final LuaScript pull = LuaScript.of(PullGroups.class, "pull");
    private final RedisLink redis;
    private final StreamTail tail;
    private final String stream;
    private final String claimAfterMillis;

    PullGroups(RedisLink redis, StreamTail tail, Keys keys, ApiProperties properties) {
        this.redis = redis;
        this.tail = tail;
        this.stream = keys.checkins();
        this.claimAfterMillis = Long.toString(properties.claimAfter().toMillis());
    }

    /**
     * Makes a group, and the stream if there is none.
     *
     * @param from 0 for all entries, $ for new ones, or the id after which it begins
     * @return false if there is a group of this name
     */
    boolean create(String group, String from) {
        long created = redis.call(commands -> create.<Long>run(
                commands, ScriptOutputType.INTEGER, new String[] {stream}, new String[] {group, from}));
        return created == 1;
    }

    /** Removes a group; false if there is none. */
    boolean remove(String group) {
        return redis.call(commands -> commands.xgroupDestroy(stream, group));
    }

    /** Acknowledges entries, and returns how many of them were pending. */
    long acknowledge(String group, List<String> ids) {
        return redis.call(commands -> commands.xack(stream, group, ids.toArray(String[]::new)));
    }

    /**
     * Reads entries as a consumer of the group: first those that someone has held for too long, then new ones.
     *
     * @param wait how long to wait for the first one
     * @param acknowledge whether they are acknowledged as they are read
     * @return fails with NOGROUP if there is no such group
     */
    CompletableFuture<List<StoredCheckin>> pull(
            String group, String consumer, int count, Duration wait, boolean acknowledge) {
        String[] args = {group, consumer, Integer.toString(count), claimAfterMillis, acknowledge ? "1" : "0"};
        return pull(args, System.nanoTime() + wait.toNanos());
    }

    private CompletableFuture<List<StoredCheckin>> pull(String[] args, long deadline) {
        CompletableFuture<Void> next = tail.next(); // before the look, so that nothing comes unnoticed in between
        return look(args)
                .thenCompose(items -> {
                    long left = deadline - System.nanoTime();
                    if (!items.isEmpty() || left <= 0 || !tail.isRunning()) {
                        return CompletableFuture.completedFuture(items);
                    }
                    return next.completeOnTimeout(null, left, TimeUnit.NANOSECONDS)
                            .thenCompose(come -> pull(args, deadline));
                })
                .whenComplete((items, failure) -> next.cancel(false));
    }

    private CompletableFuture<List<StoredCheckin>> look(String[] args) {
        return redis.send(commands ->
                        pull.<List<Object>>run(commands, ScriptOutputType.MULTI, new String[] {stream}, args))
                .thenCompose(entries -> {
                    List<StoredCheckin> items = new ArrayList<>(entries.size());
                    List<String> none = new ArrayList<>();
                    for (Object element : entries) {
                        List<?> entry = (List<?>) element;
                        StoredCheckin checkin = StoredCheckin.from((String) entry.get(0), (List<?>) entry.get(1));
                        if (checkin != null) {
                            items.add(checkin);
                        } else {
                            none.add((String) entry.get(0));
                        }
                    }
                    if (none.isEmpty()) {
                        return CompletableFuture.completedFuture(items);
                    }
                    // no checkins: the processor sets them aside, and nobody else will ever see or acknowledge them
                    return redis.send(commands -> commands.xack(stream, args[0], none.toArray(String[]::new)))
                            .thenCompose(acknowledged ->
                                    items.isEmpty() ? look(args) : CompletableFuture.completedFuture(items));
                })
                .toCompletableFuture();
    }
}
