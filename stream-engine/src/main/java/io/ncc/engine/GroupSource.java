package io.ncc.engine;

import io.lettuce.core.Consumer;
import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.models.stream.PendingMessage;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.redis.RedisLink;
import java.time.Duration;
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
    private final int batchSize;
    private final Duration block;
    private final EntryCodec codec = new EntryCodec();

    /** The reply of a read of new entries that was sent ahead; null if none was. */
    private @Nullable CompletionStage<List<Entry>> ahead;

    /** The id up to which the pending entries have been read; null when all have. */
    private @Nullable String pendingUpTo;

    GroupSource(RedisLink redis, ConsumerGroup group, EngineSettings settings) {
        this.redis = redis;
        this.group = group;
        this.consumer = Consumer.from(group.keys().group(), group.consumer());
        this.stream = group.keys().stream();
        this.batchSize = settings.effectiveBatchSize();
        this.block = settings.block();
    }

    @Override
    public void open() {
        ahead = null; // its entries are pending, and are read again
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
        CompletionStage<List<Entry>> asked = ahead;
        ahead = null;
        List<Entry> entries = redis.call(commands -> asked != null ? asked : read(commands, NEW_ENTRIES, block));
        if (readAhead && entries.size() == batchSize) {
            // A full batch means a backlog. The next read is sent before this batch, or Redis would idle in between.
            ahead = read(redis.connection().async(), NEW_ENTRIES, null);
        }
        return new Batch(entries, true);
    }

    @Override
    public boolean isAhead() {
        return ahead != null;
    }

    private Batch nextPending(String after) {
        List<Entry> page = redis.call(commands -> read(commands, after, null));
        if (page.isEmpty()) {
            return Batch.EMPTY;
        }
        String first = page.get(0).id();
        String last = page.get(page.size() - 1).id();
        pendingUpTo = last;
        Map<String, Long> deliveries = redis
                .call(commands -> commands.xpending(stream, consumer, Range.create(first, last), Limit.from(batchSize)))
                .stream()
                .collect(Collectors.toMap(PendingMessage::getId, PendingMessage::getRedeliveryCount));
        List<Entry> entries = page.stream()
                .map(entry -> new Entry(entry.id(), entry.fields(), deliveries.getOrDefault(entry.id(), 1L)))
                .toList();
        return new Batch(entries, false);
    }

    /** @param block how long to wait if there is no entry; null to return at once */
    private CompletionStage<List<Entry>> read(
            RedisAsyncCommands<String, String> commands, String after, @Nullable Duration block) {
        CommandArgs<String, String> args = new CommandArgs<>(codec)
                .add("GROUP")
                .add(consumer.getGroup())
                .add(consumer.getName())
                .add("COUNT")
                .add(batchSize);
        if (block != null) {
            args.add("BLOCK").add(block.toMillis());
        }
        args.add("STREAMS").addKey(stream).add(after);
        return commands.dispatch(CommandType.XREADGROUP, new EntriesOutput(codec), args);
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
