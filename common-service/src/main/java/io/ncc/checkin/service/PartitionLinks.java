package io.ncc.checkin.service;

import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.RedisLink;
import io.ncc.redis.RedisServers;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import java.util.function.IntFunction;
import org.springframework.context.SmartLifecycle;

/**
 * The links of a service for one purpose: one for each partition, to the server that has its keys. They open and close at the same time, so
 * that servers that are away delay the start no longer than one of them would.
 */
public final class PartitionLinks implements SmartLifecycle {

    private final PartitionCheck check;
    private final List<Integer> partitions;
    private final List<RedisLink> links;

    /** @param purpose for the log; the number of the partition is added if there are partitions */
    public PartitionLinks(String purpose, Partitions partitions, RedisServers servers, PartitionCheck check) {
        this.check = check;
        this.partitions = partitions.all();
        this.links = this.partitions.stream()
                .map(partition -> new RedisLink(
                                partitions.arePartitioned() ? purpose + '-' + partition : purpose,
                                servers.holding(partitions.keys(partition).checkins()))
                        .greetedWith(check.of(partition)))
                .toList();
    }

    /**
     * Sets what is done on each new connection once it has passed the {@link PartitionCheck}. To be called before the start.
     *
     * @param greeting of a partition; several may run at the same time
     */
    public PartitionLinks greetedWith(IntFunction<Consumer<RedisCommands<String, String>>> greeting) {
        for (int partition = 0; partition < links.size(); partition++) {
            links.get(partition).greetedWith(check.of(partition).andThen(greeting.apply(partition)));
        }
        return this;
    }

    /** The link of a partition; without partitions, there is one link, of partition 0. */
    public RedisLink of(int partition) {
        return links.get(partition);
    }

    /**
     * Asks all partitions at the same time.
     *
     * @param question is given the number of each partition
     * @return the answers in the order of the partitions; fails if one fails
     */
    public <T> CompletionStage<List<T>> ofAll(IntFunction<? extends CompletionStage<T>> question) {
        return AtOnce.ask(partitions, question::apply);
    }

    @Override
    public void start() {
        AtOnce.forEach(links, RedisLink::start);
    }

    @Override
    public void stop() {
        AtOnce.forEach(links, RedisLink::stop);
    }

    @Override
    public boolean isRunning() {
        return links.stream().anyMatch(RedisLink::isRunning);
    }

    @Override
    public int getPhase() {
        return RedisLink.PHASE;
    }
}
