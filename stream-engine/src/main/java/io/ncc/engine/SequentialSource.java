package io.ncc.engine;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reads without a group, from the checkpoint on. */
final class SequentialSource implements EntrySource {

    private static final Logger log = LoggerFactory.getLogger(SequentialSource.class);

    private final LuaScript handOver = LuaScript.of(SequentialSource.class, "settled", "hand-over");
    private final RedisLink redis;
    private final ConsumerGroup group;
    private final String stream;
    private final Duration block;
    private final PageSize pageSize;
    private final EntryCodec codec = new EntryCodec();
    private String position = "0-0";

    SequentialSource(RedisLink redis, ConsumerGroup group, EngineSettings settings) {
        this.redis = redis;
        this.group = group;
        this.stream = group.keys().stream();
        this.block = settings.block();
        this.pageSize = new PageSize(settings.effectiveBatchSize());
    }

    @Override
    public void open() {
        pageSize.reset();
        group.requirePermissions();
        position = group.position();
    }

    @Override
    public Batch next(boolean readAhead) {
        Page page = redis.call(commands -> read(commands, position, pageSize.count(), block));
        List<Entry> entries = page.entries();
        pageSize.learn(page);
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
        String before = StreamId.parse(position).previous().toString();
        return redis.call(commands -> read(commands, before, 1, null)).entries().isEmpty();
    }

    private CompletionStage<Page> read(
            RedisAsyncCommands<String, String> commands, String after, int count, @Nullable Duration wait) {
        CommandArgs<String, String> args = new CommandArgs<>(codec).add("COUNT").add(count);
        if (wait != null) {
            args.add("BLOCK").add(wait.toMillis());
        }
        args.add("STREAMS").addKey(stream).add(after);
        EntriesOutput output = new EntriesOutput(codec);
        return commands.dispatch(CommandType.XREAD, output, args)
                .thenApply(entries -> new Page(entries, count, output.weight()));
    }

    @Override
    public boolean isAhead() {
        return false;
    }

    @Override
    public PageSize pageSize() {
        return pageSize;
    }

    @Override
    public RedisLink link() {
        return redis;
    }

    @Override
    public void leave() {
        // it is no member of a group
    }

    @Override
    public void handOver() {
        GroupKeys keys = group.keys();
        String position = redis.call(commands -> handOver.<String>run(
                commands, ScriptOutputType.VALUE, new String[] {stream, keys.checkpoint()}, new String[] {keys.group()
                }));
        if (!position.isEmpty()) {
            log.info("Moved group {} of {} to the checkpoint {}", keys.group(), stream, position);
        }
    }
}
