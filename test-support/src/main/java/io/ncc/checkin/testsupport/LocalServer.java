package io.ncc.checkin.testsupport;

import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.localredis.RedisBinary;
import java.util.Map;

/** A server that runs as a process on this machine. */
record LocalServer(LocalRedis redis) implements Server {

    static LocalServer start(RedisBinary binary, Map<String, String> settings) {
        LocalRedis.Builder builder = LocalRedis.with(binary);
        settings.forEach(builder::setting);
        return new LocalServer(builder.start());
    }

    @Override
    public String host() {
        return "127.0.0.1";
    }

    @Override
    public int port() {
        return redis.port();
    }

    @Override
    public boolean isRunning() {
        return redis.isRunning();
    }

    @Override
    public void stop() {
        redis.stop();
    }

    @Override
    public void kill() {
        redis.kill();
    }

    @Override
    public void start() {
        redis.startAgain();
    }

    @Override
    public void startEmpty() {
        redis.startAgainEmpty();
    }

    @Override
    public void pause() {
        redis.pause();
    }

    @Override
    public void resume() {
        redis.resume();
    }

    @Override
    public void close() {
        redis.close();
    }
}
