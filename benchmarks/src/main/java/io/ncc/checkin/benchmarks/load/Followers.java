package io.ncc.checkin.benchmarks.load;

import io.ncc.checkin.model.StreamId;
import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInitializer;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.SimpleChannelInboundHandler;
import io.netty.channel.nio.NioIoHandler;
import io.netty.channel.socket.nio.NioSocketChannel;
import io.netty.handler.codec.http.HttpContent;
import io.netty.handler.codec.http.HttpResponseDecoder;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Clients that follow {@code GET /checkins/stream}, in one thread. */
public final class Followers implements AutoCloseable {

    private static final String ID = "id:";

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final List<Follower> followers = new ArrayList<>();

    public Followers(int port, int count) {
        for (int i = 0; i < count; i++) {
            Follower follower = new Follower();
            followers.add(follower);
            Channel channel = new Bootstrap()
                    .group(group)
                    .channel(NioSocketChannel.class)
                    .handler(new ChannelInitializer<>() {
                        @Override
                        protected void initChannel(Channel made) {
                            made.pipeline().addLast(new HttpResponseDecoder(), follower);
                        }
                    })
                    .connect("127.0.0.1", port)
                    .syncUninterruptibly()
                    .channel();
            channel.writeAndFlush(Unpooled.wrappedBuffer(Requests.get("/checkins/stream")));
        }
    }

    /** How many entries the one that has seen the fewest has seen. */
    public long fewestSeen() {
        return group.next()
                .submit(() -> followers.stream()
                        .mapToLong(follower -> follower.seen)
                        .min()
                        .orElse(0))
                .syncUninterruptibly()
                .getNow();
    }

    /** How many entries came to one follower out of order or twice. */
    public long outOfOrder() {
        return group.next()
                .submit(() -> followers.stream()
                        .mapToLong(follower -> follower.outOfOrder)
                        .sum())
                .syncUninterruptibly()
                .getNow();
    }

    @Override
    public void close() {
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }

    /** Looks for the lines that begin with {@code id:}. */
    private final class Follower extends SimpleChannelInboundHandler<HttpContent> {

        private final StringBuilder line = new StringBuilder();
        private StreamId last = StreamId.ZERO;
        private long seen;
        private long outOfOrder;

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpContent part) {
            ByteBuf content = part.content();
            while (content.isReadable()) {
                char next = (char) content.readByte();
                if (next != '\n') {
                    line.append(next);
                    continue;
                }
                if (line.indexOf(ID) == 0) {
                    saw(StreamId.parse(line.substring(ID.length()).strip()));
                }
                line.setLength(0);
            }
        }

        private void saw(StreamId id) {
            seen++;
            if (id.compareTo(last) <= 0) {
                outOfOrder++;
            }
            last = id;
        }
    }
}
