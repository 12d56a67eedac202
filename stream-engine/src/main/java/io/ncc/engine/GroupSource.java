package io.ncc.engine;

import io.ncc.redis.RedisLink;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;

/** Reads as a consumer of the group: first the entries that are pending for the consumer, page by page, then new ones. */
final class GroupSource implements EntrySource {

    private final RedisLink redis;
    private final ConsumerGroup group;
    private final Duration block;
    private final boolean keepConsumer;
    private final PageSize pageSize;
    private final GroupRead read;
    private final PendingEntries pending;

    /** The reply of a read of new entries that was sent ahead; null if none was. */
    private @Nullable CompletionStage<Page> ahead;

    GroupSource(RedisLink redis, ConsumerGroup group, EngineSettings settings) {
        this.redis = redis;
        this.group = group;
        this.block = settings.block();
        this.keepConsumer = settings.keepConsumer();
        this.pageSize = new PageSize(settings.effectiveBatchSize());
        this.read = new GroupRead(group);
        this.pending = new PendingEntries(redis, group, read, pageSize, settings);
    }

    @Override
    public void open() {
        ahead = null; // its entries are pending, and are read again
        pageSize.reset();
        group.requirePermissions();
        group.open();
        pending.begin();
    }

    @Override
    public Batch next(boolean readAhead) {
        Batch left = pending.next();
        if (!left.isEmpty()) {
            return left;
        }
        CompletionStage<Page> asked = ahead;
        ahead = null;
        Page page = redis.call(commands -> asked != null ? asked : read.newEntries(commands, pageSize.count(), block));
        pageSize.learn(page);
        if (readAhead && page.isFull()) {
            // A full batch means a backlog. The next read is sent before this batch, or Redis would idle in between.
            ahead = read.newEntries(redis.connection().async(), pageSize.count(), null);
        }
        return new Batch(page.entries(), true);
    }

    @Override
    public boolean isAhead() {
        return ahead != null;
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
        if (!keepConsumer) {
            group.leave();
        }
    }

    @Override
    public void handOver() {
        // it has read in the group
    }
}
