package io.ncc.checkin.benchmarks.load;

import io.netty.bootstrap.Bootstrap;
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
import io.netty.handler.codec.http.HttpObject;
import io.netty.handler.codec.http.HttpResponse;
import io.netty.handler.codec.http.HttpResponseDecoder;
import io.netty.handler.codec.http.LastHttpContent;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Queue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/** Sends HTTP requests over a fixed number of connections, from one thread, and times the answers. */
public final class HttpLoad implements AutoCloseable {

    private static final long LONGEST_WAIT_FOR_THE_LAST = TimeUnit.SECONDS.toNanos(10);
    private static final long LONGEST_COUNTED_LOOP = TimeUnit.MINUTES.toNanos(2);

    private final EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, NioIoHandler.newFactory());
    private final EventLoop loop = group.next();
    private final int port;
    private final AnswerListener listener;
    private final boolean readsBodies;

    // only the loop touches what follows
    private final Queue<Connection> idle = new ArrayDeque<>();
    private final Queue<Request> waiting = new ArrayDeque<>();
    private Histogram latency = new Histogram(3);
    private @Nullable Supplier<byte[]> atEachAnswer;
    private boolean closing;
    private long succeeded;
    private long failed;
    private long lastAnswerAt;
    private int underWay;
    private long unsent;

    /**
     * A request that is to be sent.
     *
     * @param bytes as they go over the wire
     * @param due when it should be sent, in terms of {@link System#nanoTime}; its latency counts from then
     */
    @SuppressWarnings("ArrayRecordComponent") // nobody compares them
    public record Request(byte[] bytes, long due) {

        public String text() {
            return new String(bytes, StandardCharsets.US_ASCII);
        }
    }

    /** Is told of each answer by the thread that sends; it must be quick. */
    public interface AnswerListener {

        void answered(Request request, int status, String body);
    }

    public HttpLoad(int port, int connections) {
        this(port, connections, (request, status, body) -> {}, false);
    }

    public HttpLoad(int port, int connections, AnswerListener listener) {
        this(port, connections, listener, true);
    }

    private HttpLoad(int port, int connections, AnswerListener listener, boolean readsBodies) {
        this.readsBodies = readsBodies;
        this.port = port;
        this.listener = listener;
        for (int i = 0; i < connections; i++) {
            connect().syncUninterruptibly();
        }
    }

    /**
     * As many as the service can take: each connection sends its next request when it has the answer to the one before.
     *
     * @param requests asked for by the thread that sends them
     */
    public Answers closedLoop(Duration duration, Supplier<byte[]> requests) {
        long start = startClosedLoop(Long.MAX_VALUE, requests);
        LockSupport.parkNanos(duration.toNanos());
        onLoop(() -> atEachAnswer = null);
        return finish(start);
    }

    /**
     * So many requests, each connection sending its next one when it has the answer to the one before.
     *
     * @param requests asked for by the thread that sends them
     * @throws IllegalStateException if they take longer than two minutes
     */
    public Answers closedLoop(long count, Supplier<byte[]> requests) {
        long start = startClosedLoop(count, requests);
        while (loop.submit(() -> unsent).syncUninterruptibly().getNow() > 0) {
            if (System.nanoTime() - start > LONGEST_COUNTED_LOOP) {
                throw new IllegalStateException("%,d requests took longer than two minutes".formatted(count));
            }
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(5));
        }
        onLoop(() -> atEachAnswer = null);
        return finish(start);
    }

    private long startClosedLoop(long count, Supplier<byte[]> requests) {
        long start = System.nanoTime();
        onLoop(() -> {
            reset();
            unsent = count;
            atEachAnswer = requests;
            for (int ready = idle.size(); ready > 0; ready--) {
                idle.remove().next();
            }
        });
        return start;
    }

    /**
     * So many a second, whether or not the answers keep up. The latency counts from the moment at which a request was due: what a slow answer
     * holds up counts as slow, too.
     *
     * @param requests asked for by the thread that sends them
     */
    public Answers openLoop(double perSecond, Duration duration, Supplier<byte[]> requests) {
        onLoop(this::reset);
        long total = Math.round(perSecond * duration.toNanos() / 1e9);
        long start = System.nanoTime();
        for (long i = 0; i < total; ) {
            long due = start + (long) (i * 1e9 / perSecond);
            long early = due - System.nanoTime();
            if (early > 0) {
                LockSupport.parkNanos(early);
            } else {
                loop.execute(() -> issue(new Request(requests.get(), due)));
                i++;
            }
        }
        return finish(start);
    }

    /** Sends one request, as soon as a connection is free. */
    public void send(Request request) {
        loop.execute(() -> issue(request));
    }

    /** Waits for the answers to what was {@linkplain #send sent}. */
    public Answers finish() {
        return finish(System.nanoTime());
    }

    private void issue(Request request) {
        Connection free = idle.poll();
        if (free == null) {
            waiting.add(request);
        } else {
            free.send(request);
        }
    }

    private void reset() {
        latency = new Histogram(3);
        succeeded = 0;
        failed = 0;
    }

    private Answers finish(long start) {
        long deadline = System.nanoTime() + LONGEST_WAIT_FOR_THE_LAST;
        while (loop.submit(() -> underWay + waiting.size())
                                .syncUninterruptibly()
                                .getNow()
                        > 0
                && System.nanoTime() < deadline) {
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(1));
        }
        return loop.submit(() -> new Answers(
                        succeeded, failed + underWay + waiting.size(), (lastAnswerAt - start) / 1e9, latency))
                .syncUninterruptibly()
                .getNow();
    }

    private void onLoop(Runnable task) {
        loop.submit(task).syncUninterruptibly();
    }

    private ChannelFuture connect() {
        return new Bootstrap()
                .group(loop)
                .channel(NioSocketChannel.class)
                .option(ChannelOption.TCP_NODELAY, true)
                .handler(new ChannelInitializer<>() {
                    @Override
                    protected void initChannel(Channel channel) {
                        channel.pipeline().addLast(new HttpResponseDecoder(), new Connection(channel));
                    }
                })
                .connect("127.0.0.1", port);
    }

    @Override
    public void close() {
        onLoop(() -> closing = true);
        group.shutdownGracefully(0, 5, TimeUnit.SECONDS).syncUninterruptibly();
    }

    private final class Connection extends SimpleChannelInboundHandler<HttpObject> {

        private final Channel channel;
        private final StringBuilder body = new StringBuilder();
        private @Nullable Request current;
        private int status;

        Connection(Channel channel) {
            this.channel = channel;
        }

        void send(Request request) {
            current = request;
            underWay++;
            body.setLength(0);
            ChannelFuture unused = channel.writeAndFlush(Unpooled.wrappedBuffer(request.bytes()));
        }

        @Override
        public void channelActive(ChannelHandlerContext context) {
            next();
        }

        @Override
        protected void channelRead0(ChannelHandlerContext context, HttpObject part) {
            if (part instanceof HttpResponse response) {
                status = response.status().code();
            }
            if (part instanceof HttpContent content && readsBodies) {
                body.append(content.content().toString(StandardCharsets.UTF_8));
            }
            if (part instanceof LastHttpContent && current != null) {
                answered(current);
                next();
            }
        }

        private void answered(Request request) {
            lastAnswerAt = System.nanoTime();
            latency.recordValue(lastAnswerAt - request.due());
            if (status >= 200 && status < 300) {
                succeeded++;
            } else {
                failed++;
            }
            current = null;
            underWay--;
            listener.answered(request, status, body.toString());
        }

        private void next() {
            Request late = waiting.poll();
            if (late != null) {
                send(late);
            } else if (atEachAnswer != null && unsent > 0) {
                unsent--;
                send(new Request(atEachAnswer.get(), System.nanoTime()));
            } else {
                idle.add(this);
            }
        }

        @Override
        public void channelInactive(ChannelHandlerContext context) {
            idle.remove(this);
            if (current != null) {
                current = null;
                underWay--;
                failed++;
            }
            if (!closing) {
                ChannelFuture unused = connect();
            }
        }

        @Override
        public void exceptionCaught(ChannelHandlerContext context, Throwable cause) {
            ChannelFuture unused = context.close(); // what was under way counts as failed
        }
    }
}
