package io.ncc.checkin.system.ledger;

import io.ncc.checkin.testsupport.FaultProxy;
import java.time.Duration;
import java.util.List;

/**
 * The route of one service to Redis: a proxy for each node. Who tells the service where the nodes are, is reached through a proxy that replaces
 * the addresses of the nodes in the replies, so that the service connects to the other proxies.
 */
final class Route implements AutoCloseable {

    private final List<FaultProxy> toNodes;
    private final List<FaultProxy> others;
    private final List<String> settings;

    /**
     * @param others that no fault strikes
     * @param settings for the service that is to take this way
     */
    Route(List<FaultProxy> toNodes, List<FaultProxy> others, List<String> settings) {
        this.toNodes = toNodes;
        this.others = others;
        this.settings = settings;
    }

    List<String> settings() {
        return settings;
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
        others.forEach(FaultProxy::close);
        toNodes.forEach(FaultProxy::close);
    }
}
