package io.ncc.checkin.processor.engine;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.service.RedisLink;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** Reads as a consumer of the group: first the entries that are pending for the consumer, page by page, then new ones. */
final class GroupSource implements EntrySource {

    private static final String NEW_ENTRIES = ">";
    private static final String BEGINNING = "0-0";

    private final RedisLink redis;
    private final ConsumerGroup group;
    private final Consumer<String> consumer;
    private final String stream;
    private final XReadArgs blocking;
    private final XReadArgs immediate;
    private final int batchSize;

    /** The reply to come of a read of new entries. */
    private @Nullable CompletionStage<List<StreamMessage<String, String>>> ahead;

    /** Up to where the pending entries have been read; null when all have. */
    private @Nullable String pendingUpTo;

    GroupSource(RedisLink redis, ConsumerGroup group, ProcessorProperties properties) {
        this.redis = redis;
        this.group = group;
        this.consumer = Consumer.from(group.keys().group(), group.consumer());
        this.stream = group.keys().stream();
        this.batchSize = properties.effectiveBatchSize();
        this.blocking = XReadArgs.Builder.count(batchSize).block(properties.block());
        this.immediate = XReadArgs.Builder.count(batchSize);
    }

    @Override
    public void open() {
        ahead = null; // what it was given is pending
        group.requirePermissions();
        group.open();
        pendingUpTo = BEGINNING;
    }

    @Override
    public Batch next(boolean readAhead) {
        if (pendingUpTo != null) {
            Batch pending = nextPending(pendingUpTo);
            if (!pending.isEmpty()) {
                return pending;
            }
            pendingUpTo = null;
        }
        CompletionStage<List<StreamMessage<String, String>>> asked = ahead;
        ahead = null;
        List<StreamMessage<String, String>> page =
                redis.call(commands -> asked != null ? asked : read(commands, blocking, NEW_ENTRIES));
        if (readAhead && page.size() == batchSize) {
            // A backlog: the next read waits in Redis behind the scripts. Asked for only after this batch was sent off,
            // Redis would idle.
            ahead = read(redis.connection().async(), immediate, NEW_ENTRIES);
        }
        List<Entry> entries = page.stream()
                .map(message -> new Entry(message.getId(), message.getBody(), 1))
                .toList();
        return new Batch(entries, true);
    }

    @Override
    public boolean isAhead() {
        return ahead != null;
    }

    private Batch nextPending(String after) {
        List<StreamMessage<String, String>> page = redis.call(commands -> read(commands, immediate, after));
        if (page.isEmpty()) {
            return Batch.EMPTY;
        }
        String first = page.get(0).getId();
        String last = page.get(page.size() - 1).getId();
        pendingUpTo = last;
        Map<String, Long> deliveries = redis
                .call(commands -> commands.xpending(stream, consumer, Range.create(first, last), Limit.from(batchSize)))
                .stream()
                .collect(Collectors.toMap(PendingMessage::getId, PendingMessage::getRedeliveryCount));
        List<Entry> entries = page.stream()
                .map(message ->
                        new Entry(message.getId(), fieldsOf(message), deliveries.getOrDefault(message.getId(), 1L)))
                .toList();
        return new Batch(entries, false);
    }

    /** An entry that was deleted from the stream while it was pending comes without any. */
    private static Map<String, String> fieldsOf(StreamMessage<String, String> message) {
        return message.getBody() == null ? Map.of() : message.getBody();
    }

    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private CompletionStage<List<StreamMessage<String, String>>> read(
            RedisAsyncCommands<String, String> commands, XReadArgs args, String after) {
        return commands.xreadgroup(consumer, args, StreamOffset.from(stream, after));
    }

    @Override
    public RedisLink link() {
        return redis;
    }

    @Override
    public void leave() {
        group.leave();
    }
}
