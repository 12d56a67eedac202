package io.ncc.redis;

import io.lettuce.core.RedisException;
import io.lettuce.core.RedisURI;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;

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

    /** A server is given by host, port, id and, from 7.0 on, other names of the host. */
    private static RedisURI node(List<?> server, RedisURI asked) {
        return RedisURI.builder(asked)
                .withHost(host(server, asked))
                .withPort(Math.toIntExact((Long) server.get(1)))
                .build();
    }

    private static String host(List<?> server, RedisURI asked) {
        String host = (String) server.get(0);
        if (host == null || host.isEmpty()) {
            return asked.getHost(); // a node that doesn't know its own address, or may not tell it
        }
        if (host.equals("?")) { // a node without a host name, where host names are preferred
            List<?> names = (List<?>) server.get(3);
            return (String) names.get(names.indexOf("ip") + 1);
        }
        return host;
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
