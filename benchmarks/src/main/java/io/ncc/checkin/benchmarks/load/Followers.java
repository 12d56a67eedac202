package io.ncc.checkin.benchmarks.load;

import io.ncc.redis.StreamId;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.ChannelOption;
import io.netty.channel.EventLoop;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponseDecoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Clients that follow {@code GET /checkins/stream}, in one thread. */
public final class Followers implements AutoCloseable {

    /** In bytes. Small, for one that doesn't read to be noticed before the system has hidden some megabytes. */
    private static final int RECEIVE_BUFFER = 1 << 16;

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final int port;
    private final List<Follower> followers = new ArrayList<>();

    public Followers(int port, int count) {
        this.port = port;
        for (int i = 0; i < count; i++) {
            Follower follower = new Follower();
            followers.add(follower);
            follower.connect();
        }
    }

    /** How many entries the one that has seen the fewest has seen. */
    public long fewestSeen() {
        return onLoop(() ->
                followers.stream().mapToLong(follower -> follower.seen).min().orElse(0));
    }

    /** How many events came to a follower out of order, twice, or in place of entries that it could not be given. */
    public long wrong() {
        return onLoop(
                () -> followers.stream().mapToLong(follower -> follower.wrong).sum());
    }

    /** Makes all of them deaf: they stay connected, and read no more. */
    public void stopReading() {
        followers.forEach(follower -> follower.channel().config().setAutoRead(false));
    }

    /** Makes all of them read again what has come meanwhile; those that the server has dropped find the end of it. */
    public void readAgain() {
        followers.forEach(follower -> follower.channel().config().setAutoRead(true));
    }

    public long connected() {
        return followers.stream()
                .filter(follower -> follower.channel().isActive())
                .count();
    }

    /** Ends all connections, and opens others that go on after the last entry that was seen. */
    public void comeBack() {
        for (Follower follower : followers) {
            follower.channel().close().syncUninterruptibly();
            follower.connect();
        }
    }

    private <T> T onLoop(Callable<T> task) {
        return loop.submit(task).syncUninterruptibly().getNow();
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private final class Follower {

        private volatile @Nullable Channel channel;

        // only the loop touches what follows
        private StreamId last = StreamId.ZERO;
        private long seen;
        private long wrong;

        void connect() {
            String lastEventId = onLoop(() -> seen == 0 ? "" : "Last-Event-ID: " + last + "\r\n");
            Channel connected = new Bootstrap()
                    .group(loop)
                    .channel(NioSocketChannel.class)
                    .option(ChannelOption.SO_RCVBUF, RECEIVE_BUFFER)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel made) {
                            made.pipeline().addLast(new HttpResponseDecoder(), new Lines(Follower.this));
                        }
                    })
                    .connect("127.0.0.1", port)
                    .syncUninterruptibly()
                    .channel();
            ChannelFuture unused = connected.writeAndFlush(Unpooled.copiedBuffer(
                    "GET /checkins/stream HTTP/1.1\r\nHost: localhost\r\n" + lastEventId + "\r\n",
                    StandardCharsets.US_ASCII));
            channel = connected;
        }

        Channel channel() {
            Channel current = channel;
            if (current == null) {
                throw new IllegalStateException("not connected");
            }
            return current;
        }

        void line(String line) {
            if (line.startsWith("id:")) {
                StreamId id = StreamId.parse(line.substring("id:".length()).strip());
                seen++;
                if (id.compareTo(last) <= 0) {
                    wrong++;
                }
                last = id;
            } else if (line.startsWith("event:")) {
                wrong++; // a gap, or that it was dropped
            }
        }
    }

    /** Gives a follower those lines that are not data. */
    private static final class Lines extends SimpleChannelInboundHandler<HttpContent> {

        private final Follower follower;
        private final StringBuilder begun = new StringBuilder();

        Lines(Follower follower) {
            this.follower = follower;
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpContent part) {
            ByteBuf content = part.content();
            while (content.isReadable()) {
                int length = content.bytesBefore((byte) '\n');
                if (length < 0) {
                    begun.append(content.toString(StandardCharsets.UTF_8));
                    return;
                }
                if (begun.isEmpty() && length > 0 && content.getByte(content.readerIndex()) == 'd') {
                    content.skipBytes(length + 1); // data: not looked at, as there is most of it
                    continue;
                }
                begun.append(content.readCharSequence(length, StandardCharsets.UTF_8));
                content.skipBytes(1);
                follower.line(begun.toString());
                begun.setLength(0);
            }
        }
    }
}
