package io.ncc.checkin.processor.engine;

import io.lettuce.core.StreamMessage;
import io.lettuce.core.XReadArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.service.RedisLink;
import java.util.List;

/** Reads without a group, from the checkpoint on. */
final class SequentialSource implements EntrySource {

    private final RedisLink redis;
    private final ConsumerGroup group;
    private final String stream;
    private final XReadArgs blocking;
    private String position = "0-0";

    SequentialSource(RedisLink redis, ConsumerGroup group, ProcessorProperties properties) {
        this.redis = redis;
        this.group = group;
        this.stream = group.keys().stream();
        this.blocking = XReadArgs.Builder.count(properties.effectiveBatchSize()).block(properties.block());
    }

    @Override
    public void open() {
        group.requirePermissions();
        position = group.position();
    }

    @Override
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    public Batch next(boolean readAhead) {
        List<StreamMessage<String, String>> page =
                redis.call(commands -> commands.xread(blocking, StreamOffset.from(stream, position)));
        if (page.isEmpty()) {
            position = group.position(); // the stream may have been replaced by one that begins below
            return Batch.EMPTY;
        }
        position = page.get(page.size() - 1).getId();
        List<Entry> entries = page.stream()
                .map(message -> new Entry(message.getId(), message.getBody(), 1))
                .toList();
        return new Batch(entries, true);
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
