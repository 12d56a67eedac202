package io.ncc.checkin.localredis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** A server never outlives the JVM that started it, and leaves nothing behind. */
@Timeout(60)
final class EndsWithItsJvmIT {

    @Test
    void afterSigkill() throws IOException {
        try (var child = Child.start()) {
            signal("KILL", child.jvm().pid());
            child.assertThatNothingIsLeft();
        }
    }

    @Test
    void afterSigkillWhilePaused() throws IOException {
        try (var child = Child.start()) {
            signal("STOP", child.server());
            signal("KILL", child.jvm().pid());
            child.assertThatNothingIsLeft();
        }
    }

    @Test
    void afterSigtermWithoutClose() throws IOException {
        try (var child = Child.start()) {
            signal("TERM", child.jvm().pid());
            assertThat(child.line()).isEqualTo("+PONG while stopping");
            child.assertThatNothingIsLeft();
        }
    }

    /** What a terminal does: it sends SIGINT to every process of the foreground group. */
    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "needs setsid")
    void afterCtrlCOnlyWhenTheJvmHasStopped() throws IOException {
        try (var child = Child.start("setsid")) {
            signal("INT", -child.jvm().pid());
            assertThat(child.line()).isEqualTo("+PONG while stopping");
            child.assertThatNothingIsLeft();
        }
    }

    /** A JVM that runs {@link ServerHolder}, and what it said about its server. */
    private record Child(Process jvm, BufferedReader output, long server, Path folder, Path executable)
            implements AutoCloseable {

        static Child start(String... prefix) throws IOException {
            var command = new ArrayList<>(List.of(prefix));
            command.addAll(List.of(
                    Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                    "-XX:TieredStopAtLevel=1",
                    "-D" + RedisBinary.PROPERTY + '=' + System.getProperty(RedisBinary.PROPERTY, ""),
                    "-cp",
                    System.getProperty("java.class.path"),
                    ServerHolder.class.getName()));
            Process jvm = new ProcessBuilder(command)
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .start();
            BufferedReader output = jvm.inputReader();
            var child = new Child(
                    jvm,
                    output,
                    Long.parseLong(output.readLine()),
                    Path.of(output.readLine()),
                    Path.of(output.readLine()));
            assertThat(child.serverLives()).isTrue();
            assertThat(child.folder).exists();
            assertThat(child.executable).exists();
            return child;
        }

        /** Fails if it says nothing, as it does where the signal was ignored when it started. */
        String line() {
            return CompletableFuture.supplyAsync(
                            () -> output.lines().findFirst().orElse(""))
                    .completeOnTimeout("nothing", 20, TimeUnit.SECONDS)
                    .join();
        }

        void assertThatNothingIsLeft() {
            await().untilAsserted(() -> {
                assertThat(serverLives()).as("redis-server lives").isFalse();
                assertThat(folder).doesNotExist();
                assertThat(executable.getParent()).doesNotExist();
            });
        }

        /** Not by {@code isAlive()}: a zombie, which only the machine's init process can bury, counts as alive there. */
        private boolean serverLives() {
            return ProcessHandle.of(server)
                    .flatMap(process -> process.info().command())
                    .isPresent();
        }

        @Override
        public void close() {
            jvm.destroyForcibly();
        }
    }

    private static void signal(String name, long pid) throws IOException {
        Process kill = new ProcessBuilder("/bin/sh", "-c", "kill -" + name + " " + pid).start();
        assertThat(kill.onExit().join().exitValue()).isZero();
    }
}
