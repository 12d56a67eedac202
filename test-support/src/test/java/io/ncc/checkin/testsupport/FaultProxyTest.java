package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketException;
import java.net.SocketTimeoutException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Each fault, as both ends of a connection see it. The server is one that says again what it is told. */
@Timeout(30)
final class FaultProxyTest {

    private static final int NOTHING_COMES_MILLIS = 150;

    private final ServerSocket server = listen();
    private final FaultProxy proxy = new FaultProxy("127.0.0.1", server.getLocalPort(), Map.of("secret", "******"));

    private static ServerSocket listen() {
        try {
            ServerSocket server = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
            Thread accepting = new Thread(() -> {
                while (!server.isClosed()) {
                    try {
                        Socket client = server.accept();
                        Thread echo = new Thread(() -> echo(client));
                        echo.setDaemon(true);
                        echo.start();
                    } catch (IOException e) {
                        return; // closed
                    }
                }
            });
            accepting.setDaemon(true);
            accepting.start();
            return server;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void echo(Socket client) {
        try (client) {
            client.getInputStream().transferTo(client.getOutputStream());
        } catch (IOException e) {
            // reset, as some of the tests want it
        }
    }

    @AfterEach
    void close() throws IOException {
        proxy.close();
        server.close();
    }

    private Socket connect() throws IOException {
        Socket socket = new Socket(InetAddress.getLoopbackAddress(), proxy.port());
        socket.setSoTimeout(10_000);
        return socket;
    }

    private static void send(Socket socket, String text) throws IOException {
        socket.getOutputStream().write(text.getBytes(StandardCharsets.US_ASCII));
    }

    private static String read(Socket socket, int length) throws IOException {
        return new String(socket.getInputStream().readNBytes(length), StandardCharsets.US_ASCII);
    }

    private static String echoed(Socket socket, String text) throws IOException {
        send(socket, text);
        return read(socket, text.length());
    }

    @Test
    void whatTheServerSaysIsReplaced() throws IOException {
        try (Socket socket = connect()) {
            assertThat(echoed(socket, "a secret word")).isEqualTo("a ****** word");
        }
    }

    @Test
    void whatIsFrozenComesLaterAndInOrder() throws IOException {
        try (Socket socket = connect()) {
            assertThat(echoed(socket, "before")).isEqualTo("before");
            proxy.freeze();
            send(socket, "one");
            send(socket, "two");
            socket.setSoTimeout(NOTHING_COMES_MILLIS);
            assertThatExceptionOfType(SocketTimeoutException.class).isThrownBy(() -> read(socket, 1));
            try (Socket other = connect()) {
                assertThat(echoed(other, "new ones work")).isEqualTo("new ones work");
            }
            proxy.thaw();
            socket.setSoTimeout(10_000);
            assertThat(read(socket, 6)).isEqualTo("onetwo");
        }
    }

    @Test
    void whatIsCutLooksAsIfTheServerHadClosedIt() throws IOException {
        try (Socket socket = connect()) {
            assertThat(echoed(socket, "before")).isEqualTo("before");
            proxy.cut();
            assertThat(socket.getInputStream().read()).isEqualTo(-1);
        }
    }

    @Test
    void whatIsResetIsBroken() throws IOException {
        try (Socket socket = connect()) {
            assertThat(echoed(socket, "before")).isEqualTo("before");
            proxy.reset();
            assertThatExceptionOfType(SocketException.class)
                    .isThrownBy(() -> socket.getInputStream().read())
                    .withMessageContaining("reset");
        }
    }

    @Test
    void nobodyConnectsWhileItRefusesAndAllDoAfterwards() throws IOException {
        proxy.refuse();
        await().untilAsserted(() -> assertThatExceptionOfType(ConnectException.class)
                .isThrownBy(() -> connect().close()));
        proxy.accept();
        try (Socket socket = connect()) {
            assertThat(echoed(socket, "after")).isEqualTo("after");
        }
    }

    @Test
    void whatIsDelayedTakesThatLongEachWayAndStaysInOrder() throws IOException {
        try (Socket socket = connect()) {
            proxy.delay(Duration.ofMillis(100));
            long start = System.nanoTime();
            send(socket, "one");
            send(socket, "two");
            assertThat(read(socket, 6)).isEqualTo("onetwo");
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isGreaterThanOrEqualTo(Duration.ofMillis(200));
        }
    }

    @Test
    void nothingOvertakesWhatIsDelayed() throws IOException {
        StringBuilder sent = new StringBuilder();
        try (Socket socket = connect()) {
            socket.setTcpNoDelay(true);
            for (int i = 0; i < 4_000; i++) {
                proxy.delay(Duration.ofMillis(i % 40 < 20 ? 2 : 0));
                String text = Integer.toString(i % 10);
                send(socket, text);
                sent.append(text);
                LockSupport.parkNanos(TimeUnit.MICROSECONDS.toNanos(50));
            }
            assertThat(read(socket, sent.length())).isEqualTo(sent.toString());
        }
    }
}
