package io.ncc.engine;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;

/** Reads without a group, from the checkpoint on. */
final class SequentialSource implements EntrySource {

    private final RedisLink redis;
    private final ConsumerGroup group;
    private final String stream;
    private final int batchSize;
    private final Duration block;
    private final EntryCodec codec = new EntryCodec();
    private String position = "0-0";

    SequentialSource(RedisLink redis, ConsumerGroup group, EngineSettings settings) {
        this.redis = redis;
        this.group = group;
        this.stream = group.keys().stream();
        this.batchSize = settings.effectiveBatchSize();
        this.block = settings.block();
    }

    @Override
    public void open() {
        group.requirePermissions();
        position = group.position();
    }

    @Override
    public Batch next(boolean readAhead) {
        List<Entry> entries = redis.call(this::read);
        if (entries.isEmpty()) {
            if (isReplaced()) {
                position = group.position();
            }
            return Batch.EMPTY;
        }
        position = entries.get(entries.size() - 1).id();
        return new Batch(entries, true);
    }

    /**
     * Whether the stream is gone, or was replaced by one that ends below the position. Only then does reading resume at the checkpoint: after every
     * empty read, that would read the settled entries above the checkpoint again and again.
     */
    private boolean isReplaced() {
        return redis.call(commands -> commands.xrevrange(stream, Range.unbounded(), Limit.from(1))).stream()
                .noneMatch(newest -> StreamId.parse(newest.getId()).compareTo(StreamId.parse(position)) >= 0);
    }

    private CompletionStage<List<Entry>> read(RedisAsyncCommands<String, String> commands) {
        CommandArgs<String, String> args = new CommandArgs<>(codec)
                .add("COUNT")
                .add(batchSize)
                .add("BLOCK")
                .add(block.toMillis())
                .add("STREAMS")
                .addKey(stream)
                .add(position);
        return commands.dispatch(CommandType.XREAD, new EntriesOutput(codec), args);
    }

    @Override
    public boolean isAhead() {
        return false;
    }

    @Override
    public RedisLink link() {
        return redis;
    }

    @Override
    public void leave() {
        // it is no member of a group
    }
}
