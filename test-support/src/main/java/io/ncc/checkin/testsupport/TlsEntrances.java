package io.ncc.checkin.testsupport;

import io.ncc.checkin.localredis.LocalCluster;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import io.ncc.checkin.testsupport.TestAuthority.Identity;
import io.netty.handler.ssl.ClientAuth;
import io.netty.handler.ssl.SslContext;
import io.netty.handler.ssl.SslContextBuilder;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import javax.net.ssl.SSLException;

/**
 * Ports of servers on this machine that speak TLS and ask clients for a certificate: the servers' own, or those of a proxy in front of each server if the
 * server was built without TLS.
 */
public final class TlsEntrances implements AutoCloseable {

    private final boolean own;
    private final Identity identity;
    private final Map<Integer, Integer> ports = new HashMap<>();
    private final List<FaultProxy> proxies = new ArrayList<>();

    /** @param identity of the servers; clients must have a certificate of the same authority */
    public TlsEntrances(RedisBinary binary, Identity identity) {
        this.own = hasTls(binary);
        this.identity = identity;
    }

    private static boolean hasTls(RedisBinary binary) {
        try (LocalRedis redis = LocalRedis.with(binary).setting("tls-port", "0").start()) {
            return redis.isRunning();
        } catch (IllegalStateException e) {
            if (String.valueOf(e.getMessage()).contains("'tls-port")) { // an unknown directive
                return false;
            }
            throw e;
        }
    }

    /** Makes an entrance to the server on this port. Returns what belongs in its redis.conf. */
    public Map<String, String> to(int port) {
        if (own) {
            int entrance = LocalRedis.freePort();
            ports.put(port, entrance);
            return Map.of(
                    "tls-port", Integer.toString(entrance),
                    "tls-cert-file", identity.certificate().toString(),
                    "tls-key-file", identity.key().toString(),
                    "tls-ca-cert-file", identity.authority().toString(),
                    "tls-cluster", "yes");
        }
        FaultProxy proxy = new FaultProxy("127.0.0.1", port, context());
        proxies.add(proxy);
        ports.put(port, proxy.port());
        return Map.of(
                "cluster-announce-port", Integer.toString(proxy.port()),
                "cluster-announce-bus-port", Integer.toString(port + LocalCluster.BUS_OFFSET));
    }

    private SslContext context() {
        try {
            return SslContextBuilder.forServer(
                            identity.certificate().toFile(), identity.key().toFile())
                    .trustManager(identity.authority().toFile())
                    .clientAuth(ClientAuth.REQUIRE)
                    .build();
        } catch (SSLException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The port for TLS of the server on this port. */
    public int of(int port) {
        return Objects.requireNonNull(ports.get(port));
    }

    @Override
    public void close() {
        proxies.forEach(FaultProxy::close);
    }
}
