package io.ncc.checkin.localredis;

import java.util.concurrent.TimeUnit;

/** The JVM that {@link EndsWithItsJvmIT} ends: starts a server, says where it is, and uses it until its very end. */
final class ServerHolder {

    private static final long USE_WHILE_STOPPING_NANOS = TimeUnit.SECONDS.toNanos(1);

    private ServerHolder() {}

    public static void main(String[] arguments) throws InterruptedException {
        RedisBinary embedded = RedisBinary.embedded(); // extracted in any case: it has to go, too
        var redis = LocalRedis.start();
        Runtime.getRuntime().addShutdownHook(new Thread(() -> useWhileStopping(redis)));
        System.out.println(redis.pid());
        System.out.println(redis.folder());
        System.out.println(embedded.path());
        Thread.currentThread().join();
    }

    /** For a while, because a server that was told to stop as well still answers for some of it. */
    private static void useWhileStopping(LocalRedis redis) {
        String reply;
        long start = System.nanoTime();
        do {
            reply = Conversation.ask(redis, "PING");
        } while (System.nanoTime() - start < USE_WHILE_STOPPING_NANOS);
        System.out.println(reply + " while stopping");
    }
}
