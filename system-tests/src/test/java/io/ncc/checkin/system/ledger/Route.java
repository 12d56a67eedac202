package io.ncc.checkin.system.ledger;

import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.testsupport.FaultProxy;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The route of one service to Redis: a proxy for Sentinel and one for each node. The proxy for Sentinel replaces the addresses of the nodes in the
 * replies, so that the service connects to the other proxies.
 */
final class Route implements AutoCloseable {

    private final List<FaultProxy> toNodes = new ArrayList<>();
    private final FaultProxy toSentinel;

    Route(RedisPair redis) {
        Map<String, String> ports = new HashMap<>();
        for (int i = 0; i < redis.nodes().size(); i++) {
            LocalRedis node = redis.nodes().get(i);
            var proxy = new FaultProxy("127.0.0.1", node.port());
            toNodes.add(proxy);
            ports.put(Integer.toString(redis.door(i).port()), Integer.toString(proxy.port()));
        }
        toSentinel = new FaultProxy("127.0.0.1", redis.sentinel().port(), ports);
    }

    /** For the service that is to take this way. */
    List<String> settings() {
        return List.of(
                "--spring.data.redis.sentinel.master=" + RedisPair.NAME,
                "--spring.data.redis.sentinel.nodes=127.0.0.1:" + toSentinel.port());
    }

    void cut() {
        toNodes.forEach(FaultProxy::cut);
    }

    void reset() {
        toNodes.forEach(FaultProxy::reset);
    }

    void freeze() {
        toNodes.forEach(FaultProxy::freeze);
    }

    void thaw() {
        toNodes.forEach(FaultProxy::thaw);
    }

    void delay(Duration delay) {
        toNodes.forEach(proxy -> proxy.delay(delay));
    }

    void refuse() {
        toNodes.forEach(FaultProxy::refuse);
    }

    void accept() {
        toNodes.forEach(FaultProxy::accept);
    }

    @Override
    public void close() {
        toSentinel.close();
        toNodes.forEach(FaultProxy::close);
    }
}
