package io.ncc.checkin.localredis;

import static io.ncc.checkin.localredis.Conversation.ask;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.ConnectException;
import java.net.Inet4Address;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.NetworkInterface;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.MethodSource;

/** Run with each binary that this machine has, or with the demanded one. */
@Timeout(60)
@ParameterizedClass
@MethodSource("binaries")
final class LocalRedisIT {

    /** A Valkey says as {@code redis_version} which Redis it is compatible with. */
    private static final String ITS_VERSION = """
            EVAL "local info = redis.call('INFO', 'server') \
            return info:match('valkey_version:([0-9.]+)') or info:match('redis_version:([0-9.]+)')" 0""";

    private final RedisBinary binary;

    LocalRedisIT(RedisBinary binary) {
        this.binary = binary;
    }

    static List<RedisBinary> binaries() {
        return RedisBinary.all();
    }

    private LocalRedis.Builder redis() {
        return LocalRedis.with(binary).setting("appendfsync", "always");
    }

    @Test
    void itIsTheServerOfItsBinary() throws IOException {
        try (var redis = redis().start()) {
            try (var conversation = new Conversation(redis.port())) {
                assertThat(conversation.ask("PING")).isEqualTo("+PONG");
            }
            assertThat(redis.version()).isEqualTo(binary.version());
            assertThat(redis.isRunning()).isTrue();
            // not by the command of its process: the file may be a script that ends with exec
            assertThat(ask(redis, ITS_VERSION)).isEqualTo(binary.version().toString());
        }
    }

    @Test
    void itListensOnLoopbackOnly() throws IOException {
        try (var redis = redis().start()) {
            List<InetAddress> others = NetworkInterface.networkInterfaces()
                    .flatMap(NetworkInterface::inetAddresses)
                    .filter(address -> address instanceof Inet4Address && !address.isLoopbackAddress())
                    .toList();
            for (InetAddress address : others) {
                assertThatThrownBy(() -> connect(address, redis.port()))
                        .as("%s", address)
                        .isInstanceOf(SocketException.class);
            }
            assertThat(ask(redis, "CONFIG GET bind")).isEqualTo("127.0.0.1");
        }
    }

    private static void connect(InetAddress address, int port) throws IOException {
        try (var socket = new Socket()) {
            socket.connect(new InetSocketAddress(address, port), 2_000);
        }
    }

    @Test
    void dataSurviveAKill() {
        try (var redis = redis().start()) {
            int port = redis.port();
            long pid = redis.pid();
            ask(redis, "SET key value");

            redis.kill();
            assertThat(redis.isRunning()).isFalse();
            assertThatThrownBy(() -> ask(redis, "PING")).hasCauseInstanceOf(ConnectException.class);

            redis.startAgain();
            assertThat(redis.port()).isEqualTo(port);
            assertThat(redis.pid()).isNotEqualTo(pid);
            assertThat(ask(redis, "GET key")).isEqualTo("value");
        }
    }

    @Test
    void dataSurviveAStop() {
        try (var redis = LocalRedis.with(binary).start()) {
            ask(redis, "SET key value");
            redis.stop();
            assertThat(redis.isRunning()).isFalse();
            redis.startAgain();
            assertThat(ask(redis, "GET key")).isEqualTo("value");
        }
    }

    @Test
    void startedAgainEmptyItHasNoData() {
        try (var redis = redis().start()) {
            ask(redis, "SET key value");
            redis.startAgainEmpty();
            assertThat(ask(redis, "DBSIZE")).isEqualTo(":0");
        }
    }

    @Test
    void aSettingThatTheServerHasWrittenStaysWhenItStartsAgain() {
        try (var redis = redis().start()) {
            ask(redis, "CONFIG SET maxclients 77");
            ask(redis, "CONFIG REWRITE");
            redis.kill();
            redis.startAgain();
            assertThat(ask(redis, "CONFIG GET maxclients")).isEqualTo("77");
        }
    }

    @Test
    void aSentinelWatchesWhatItIsTold() {
        try (var redis = redis().start();
                var sentinel = LocalRedis.with(binary)
                        .sentinel()
                        .setting("sentinel monitor", "main 127.0.0.1 " + redis.port() + " 1")
                        .start()) {
            assertThat(ask(sentinel, "SENTINEL GET-MASTER-ADDR-BY-NAME main"))
                    .isEqualTo(Integer.toString(redis.port()));
        }
    }

    @Test
    void stoppingAStoppedServerDoesNothing() {
        try (var redis = redis().start()) {
            redis.kill();
            redis.kill();
            redis.stop();
            redis.startAgain();
            assertThatThrownBy(redis::startAgain)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageEndingWith("is running");
        }
    }

    @Test
    void aPausedServerKeepsItsConnectionsAndAnswersWhenResumed() {
        try (var redis = redis().start();
                var conversation = new Conversation(redis.port())) {
            assertThat(conversation.ask("PING")).isEqualTo("+PONG");
            redis.pause();
            conversation.timeOutAfter(Duration.ofMillis(200));
            assertThatThrownBy(() -> conversation.ask("ECHO late")).hasCauseInstanceOf(SocketTimeoutException.class);
            redis.resume();
            conversation.timeOutAfter(Duration.ofSeconds(5));
            assertThat(conversation.ask("PING")).isEqualTo("late");
        }
    }

    @Test
    void aPausedServerCanBeStopped() {
        try (var redis = redis().start()) {
            redis.pause();
            redis.stop();
            redis.startAgain();
            assertThat(ask(redis, "PING")).isEqualTo("+PONG");
        }
    }

    @Test
    void closeLeavesNeitherServerNorFolderWhateverTheState() {
        var running = redis().start();
        var paused = redis().start();
        paused.pause();
        var stopped = redis().start();
        stopped.stop();
        for (LocalRedis redis : List.of(running, paused, stopped)) {
            assertThat(redis.folder()).exists();
            redis.close();
            assertThat(redis.isRunning()).isFalse();
            assertThat(redis.folder()).doesNotExist();
            redis.close();
        }
    }

    @Test
    void closeIsNotStoppedByAnInterrupt() {
        var redis = redis().start();
        Thread.currentThread().interrupt();
        redis.close();
        assertThat(Thread.interrupted()).isTrue();
        assertThat(redis.isRunning()).isFalse();
        assertThat(redis.folder()).doesNotExist();
    }

    @Test
    void settingsAreThoseOfRedisConf() {
        try (var redis = redis().setting("maxmemory", "100mb")
                .setting("client-output-buffer-limit", "pubsub 1mb 2mb 3")
                .setting("AppendOnly", "no")
                .start()) {
            assertThat(ask(redis, "CONFIG GET maxmemory")).isEqualTo("104857600");
            assertThat(ask(redis, "CONFIG GET client-output-buffer-limit")).endsWith("pubsub 1048576 2097152 3");
            assertThat(ask(redis, "CONFIG GET appendonly")).isEqualTo("no");
        }
    }

    @Test
    void aPasswordDoesNotKeepItFromStarting() {
        try (var redis = redis().setting("requirepass", "secret").start()) {
            assertThat(ask(redis, "PING")).startsWith("-NOAUTH");
        }
    }

    @Test
    void theAddressIsNotForCallersToSet() {
        assertThatThrownBy(() -> redis().setting("bind", "0.0.0.0")).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aSettingThatRedisRefusesIsQuotedFromItsLog() {
        assertThatThrownBy(() -> redis().setting("maxmemory", "lots").start())
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(binary.path().toString())
                .hasMessageContaining("FATAL CONFIG FILE ERROR")
                .hasMessageContaining("maxmemory lots");
    }

    @Test
    void aGivenPortIsUsed() {
        int port = LocalRedis.freePort();
        try (var redis = redis().port(port).start()) {
            assertThat(redis.port()).isEqualTo(port);
            assertThat(ask(redis, "PING")).isEqualTo("+PONG");
        }
    }

    @Test
    void aGivenPortThatIsTakenByAnotherRedisIsAnError() {
        try (var other = redis().start()) {
            assertThatThrownBy(() -> redis().port(other.port()).start())
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("127.0.0.1:" + other.port())
                    .hasMessageContaining("Address already in use");
            assertThat(ask(other, "PING")).isEqualTo("+PONG");
        }
    }

    @Test
    void aFreePortIsOneThatCanBeListenedOn() throws IOException {
        try (var socket = new ServerSocket(LocalRedis.freePort())) {
            assertThat(socket.getLocalPort()).isLessThan(32_768);
        }
    }
}
