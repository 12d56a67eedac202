package io.ncc.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Where the slots of a cluster are, as one of its nodes has answered to {@code CLUSTER SLOTS}.
 *
 * @param nodes all that the answer names, after the one that gave it
 */
record ClusterSlots(List<Range> ranges, Set<RedisURI> nodes) {

    /** Slots with the same primary. */
    record Range(long first, long last, RedisURI primary) {}

    /**
     * Reads a reply.
     *
     * @param asked the node that gave it; its credentials and TLS settings are those of all nodes
     */
    static ClusterSlots of(List<?> reply, RedisURI asked) {
        List<Range> ranges = new ArrayList<>();
        Set<RedisURI> nodes = new LinkedHashSet<>();
        nodes.add(asked);
        for (Object element : reply) {
            List<?> range = (List<?>) element; // first slot, last slot, primary, replicas
            List<RedisURI> servers = range.subList(2, range.size()).stream()
                    .map(server -> node((List<?>) server, asked))
                    .toList();
            ranges.add(new Range((Long) range.get(0), (Long) range.get(1), servers.get(0)));
            nodes.addAll(servers);
        }
        return new ClusterSlots(ranges, nodes);
    }

    /** A node is given by host, port and more. A host that it doesn't know is the one that was asked. */
    private static RedisURI node(List<?> server, RedisURI asked) {
        String host = (String) server.get(0);
        int port = Math.toIntExact((Long) server.get(1));
        return RedisURI.builder(asked)
                .withHost(isUnknown(host) ? asked.getHost() : host)
                .withPort(port)
                .build();
    }

    private static boolean isUnknown(@Nullable String host) {
        return host == null || host.isEmpty();
    }

    /**
     * The primary of a slot.
     *
     * @throws RedisException if there is none, which is {@link RedisCondition#CLUSTER_DOWN}
     */
    RedisURI primaryOf(int slot) {
        for (Range range : ranges) {
            if (range.first <= slot && slot <= range.last) {
                return range.primary;
            }
        }
        throw new RedisException("CLUSTERDOWN No node serves slot " + slot);
    }
}
