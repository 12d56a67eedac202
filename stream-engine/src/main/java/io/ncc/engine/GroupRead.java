package io.ncc.engine;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** XREADGROUP, as one consumer on one connection. */
final class GroupRead {

    private static final String NEW_ENTRIES = ">";

    private final ConsumerGroup group;
    private final EntryCodec codec = new EntryCodec();

    GroupRead(ConsumerGroup group) {
        this.group = group;
    }

    /** @param block how long to wait if there are no entries; null to return at once */
    CompletionStage<Page> newEntries(RedisAsyncCommands<String, String> commands, int count, @Nullable Duration block) {
        return send(commands, count, NEW_ENTRIES, block);
    }

    /** Reads entries above an id that are pending for the consumer. This counts as a delivery of each entry that is still in the stream. */
    CompletionStage<Page> pending(RedisAsyncCommands<String, String> commands, int count, String after) {
        return send(commands, count, after, null);
    }

    private CompletionStage<Page> send(
            RedisAsyncCommands<String, String> commands, int count, String after, @Nullable Duration block) {
        CommandArgs<String, String> args = new CommandArgs<>(codec)
                .add("GROUP")
                .add(group.keys().group())
                .add(group.consumer())
                .add("COUNT")
                .add(count);
        if (block != null) {
            args.add("BLOCK").add(block.toMillis());
        }
        args.add("STREAMS").addKey(group.keys().stream()).add(after);
        EntriesOutput output = new EntriesOutput(codec);
        return commands.dispatch(CommandType.XREADGROUP, output, args)
                .thenApply(entries -> new Page(entries, count, output.weight()));
    }
}
