package io.ncc.checkin.processor.engine;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.checkin.service.RedisLink;
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

    SequentialSource(RedisLink redis, ConsumerGroup group, ProcessorProperties properties) {
        this.redis = redis;
        this.group = group;
        this.stream = group.keys().stream();
        this.batchSize = properties.effectiveBatchSize();
        this.block = properties.block();
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
            position = group.position(); // the stream may have been replaced by one that begins below
            return Batch.EMPTY;
        }
        position = entries.get(entries.size() - 1).id();
        return new Batch(entries, true);
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
        // nobody knows of it
    }
}
