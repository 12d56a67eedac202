package io.ncc.checkin.testsupport;

import io.netty.bootstrap.Bootstrap;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.FixedRecvByteBufAllocator;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.group.ChannelGroup;
import io.netty.channel.group.DefaultChannelGroup;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioServerSocketChannel;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.ssl.SslContext;
import io.netty.util.concurrent.GlobalEventExecutor;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A TCP proxy that can reset, refuse and delay connections to a server, and make them half-open. It listens on 127.0.0.1. */
@SuppressWarnings("FutureReturnValueIgnored") // what fails closes the connection, and the tests see that
public final class FaultProxy implements AutoCloseable {

    /** So long may an answer be that is not torn apart here. */
    private static final int MOST_AT_ONCE = 64 * 1024;

    private final EventLoopGroup loops = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final ChannelGroup connections = new DefaultChannelGroup(GlobalEventExecutor.INSTANCE);
    private final String host;
    private final int targetPort;
    private final Map<String, String> replacements;
    private final @Nullable SslContext tls;
    private final int port;
    private Channel listener;
    private final Set<String> refused = ConcurrentHashMap.newKeySet();
    private volatile long delayNanos;

    public FaultProxy(String host, int port) {
        this(host, port, Map.of());
    }

    /**
     * @param replacements of what the server says: text by text of the same length. One that is torn apart by the network is not found, so it
     *     is for short answers. May be filled later, by the thread that makes it known to the clients.
     */
    public FaultProxy(String host, int targetPort, Map<String, String> replacements) {
        this(host, targetPort, replacements, null);
    }

    /** @param tls for the clients; the server gets plain text */
    FaultProxy(String host, int targetPort, SslContext tls) {
        this(host, targetPort, Map.of(), tls);
    }

    private FaultProxy(String host, int targetPort, Map<String, String> replacements, @Nullable SslContext tls) {
        this.host = host;
        this.targetPort = targetPort;
        this.replacements = replacements;
        this.tls = tls;
        this.listener = listen(0);
        this.port = ((InetSocketAddress) listener.localAddress()).getPort();
    }

    private Channel listen(int port) {
        return new ServerBootstrap()
                .group(loops)
                .channel(NioServerSocketChannel.class)
                .option(ChannelOption.SO_REUSEADDR, true)
                .childOption(ChannelOption.AUTO_READ, false)
                .childHandler(new ChannelInitializer<Channel>() {
                    @Override
                    protected void initChannel(Channel client) {
                        connect(client);
                    }
                })
                .bind("127.0.0.1", port)
                .syncUninterruptibly()
                .channel();
    }

    private void connect(Channel client) {
        connections.add(client);
        if (refused.contains(hostOf(client))) {
            client.close();
            return;
        }
        if (tls != null) {
            client.pipeline().addLast(tls.newHandler(client.alloc()));
        }
        new Bootstrap()
                .group(client.eventLoop())
                .channel(NioSocketChannel.class)
                .option(ChannelOption.RECVBUF_ALLOCATOR, new FixedRecvByteBufAllocator(MOST_AT_ONCE))
                .handler(new Relay(client, replacements))
                .connect(host, targetPort)
                .addListener((ChannelFuture connected) -> {
                    if (connected.isSuccess()) {
                        connections.add(connected.channel());
                        client.pipeline().addLast(new Relay(connected.channel(), Map.of()));
                        client.config().setAutoRead(true);
                    } else {
                        client.close();
                    }
                });
    }

    public int port() {
        return port;
    }

    /** Stops what goes through the connections that there are, and both ends hold them for alive; new ones work. */
    public void freeze() {
        setAutoRead(false);
    }

    /** Lets what was held back go on its way. */
    public void thaw() {
        setAutoRead(true);
    }

    private void setAutoRead(boolean on) {
        connections.forEach(connection -> connection.config().setAutoRead(on));
        loops.submit(() -> {}).syncUninterruptibly(); // the one thread of theirs does it
    }

    /** Ends all connections as if the other side had; what was on its way is gone. */
    public void cut() {
        connections.close().awaitUninterruptibly();
    }

    /** Ends all connections so that both sides see them as broken. */
    public void reset() {
        connections.forEach(connection -> connection.config().setOption(ChannelOption.SO_LINGER, 0));
        cut();
    }

    /** Ends all connections and takes no new ones; one that comes in the very moment may still be taken by the system, and hears nothing. */
    public void refuse() {
        listener.close().syncUninterruptibly();
        reset();
    }

    /** Takes connections again; nothing to do where it does. */
    public void accept() {
        if (!listener.isOpen()) {
            listener = listen(port);
        }
    }

    /** Ends the connections that come from this address, and takes no new ones from there. */
    public void refuseFrom(String address) {
        refused.add(address);
        connections.close(client -> address.equals(hostOf(client))).awaitUninterruptibly();
    }

    /** Takes connections from there again. */
    public void acceptFrom(String address) {
        refused.remove(address);
    }

    private static String hostOf(Channel client) {
        return client.remoteAddress() instanceof InetSocketAddress address ? address.getHostString() : "";
    }

    /** Keeps everything for so long before it goes on; zero for not at all. What is under way stays in its order. */
    public void delay(Duration delay) {
        delayNanos = delay.toNanos();
    }

    @Override
    public void close() {
        listener.close().syncUninterruptibly();
        cut();
        loops.shutdownGracefully(0, 1, TimeUnit.SECONDS).awaitUninterruptibly();
    }

    private final class Relay extends ChannelInboundHandlerAdapter {

        private final Channel other;
        private final Map<String, String> replacements;

        /** What came and is not due yet. None overtakes another, also where the delay gets shorter. */
        private final Queue<Delayed> waiting = new ArrayDeque<>();

        Relay(Channel other, Map<String, String> replacements) {
            this.other = other;
            this.replacements = replacements;
        }

        @Override
        public void channelRead(ChannelHandlerContext context, Object message) {
            Object passedOn = replacements.isEmpty() ? message : replaced((ByteBuf) message);
            long delay = delayNanos;
            if (delay == 0 && waiting.isEmpty()) {
                other.write(passedOn);
            } else {
                waiting.add(new Delayed(passedOn, System.nanoTime() + delay));
                if (waiting.size() == 1) {
                    passOnLater(context, delay);
                }
            }
        }

        private void passOnLater(ChannelHandlerContext context, long nanos) {
            context.executor().schedule(() -> passOn(context), nanos, TimeUnit.NANOSECONDS);
        }

        private void passOn(ChannelHandlerContext context) {
            long now = System.nanoTime();
            while (!waiting.isEmpty() && waiting.element().due <= now) {
                other.write(waiting.remove().message);
            }
            other.flush();
            if (!waiting.isEmpty()) {
                passOnLater(context, waiting.element().due - now);
            }
        }

        private ByteBuf replaced(ByteBuf message) {
            String text = message.toString(StandardCharsets.ISO_8859_1);
            message.release();
            for (Map.Entry<String, String> replacement : replacements.entrySet()) {
                text = text.replace(replacement.getKey(), replacement.getValue());
            }
            return Unpooled.copiedBuffer(text, StandardCharsets.ISO_8859_1);
        }

        @Override
        public void channelReadComplete(ChannelHandlerContext context) {
            other.flush();
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            other.close();
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            context.close();
        }
    }

    private record Delayed(Object message, long due) {}
}
