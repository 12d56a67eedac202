package io.ncc.checkin.localredis;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class RedisBinaryTest {

    @TempDir
    private Path first;

    @TempDir
    private Path second;

    @Test
    void anEmptySearchPathHasNone() {
        assertThat(RedisBinary.onPath("")).isEmpty();
        assertThat(RedisBinary.onPath(path(first, first.resolve("missing")))).isEmpty();
    }

    @Test
    void theFirstRedisOnThePathIsTaken() throws IOException {
        Path wanted = server(first, "redis-server", "Redis server v=6.2.14 sha=0");
        server(second, "redis-server", "Redis server v=7.2.5 sha=0");
        assertThat(RedisBinary.onPath(path(first, second)))
                .hasValueSatisfying(found -> assertThat(found.path()).isEqualTo(wanted));
    }

    @Test
    void theNewerOfRedisAndValkeyIsTaken() throws IOException {
        server(first, "redis-server", "Redis server v=7.0.15 sha=0");
        Path wanted = server(second, "valkey-server", "Valkey server v=8.1.0 sha=0");
        assertThat(RedisBinary.onPath(path(first, second))).hasValueSatisfying(found -> {
            assertThat(found.path()).isEqualTo(wanted);
            assertThat(found.version()).isEqualTo(new RedisVersion(8, 1, 0));
        });
    }

    @Test
    void whatIsNotExecutableIsPassedOver() throws IOException {
        Files.writeString(first.resolve("redis-server"), "not a program");
        Files.createDirectory(second.resolve("redis-server"));
        assertThat(RedisBinary.onPath(path(first, second))).isEmpty();
    }

    @Test
    void aBrokenOneIsPassedOver() throws IOException {
        server(first, "redis-server", "no version here");
        Path wanted = server(first, "valkey-server", "Valkey server v=7.2.4 sha=0");
        assertThat(RedisBinary.onPath(path(first)))
                .hasValueSatisfying(found -> assertThat(found.path()).isEqualTo(wanted));
    }

    @Test
    void aNamedOneThatIsMissingIsNamedInTheError() {
        Path missing = first.resolve("redis-server");
        assertThatThrownBy(() -> RedisBinary.at(missing))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(missing + " can't be run");
    }

    @Test
    void aNamedOneThatIsSomethingElseIsQuotedInTheError() throws IOException {
        Path other = server(first, "redis-server", "grep (GNU grep) 3.8");
        assertThatThrownBy(() -> RedisBinary.at(other))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(other + " is no redis-server")
                .hasMessageContaining("grep (GNU grep) 3.8");
    }

    @Test
    void aNamedOneThatFailsIsQuotedInTheError() throws IOException {
        Path failing =
                script(first, "redis-server", "echo 'libssl.so.3: cannot open shared object file' >&2; exit 127");
        assertThatThrownBy(() -> RedisBinary.at(failing))
                .isInstanceOf(IllegalStateException.class)
                .hasMessageContaining(failing.toString())
                .hasMessageContaining("exit code 127")
                .hasMessageContaining("libssl.so.3");
    }

    @Test
    void theDemandedOneIsChosenForWhateverHasNoReasonToTakeAnother() throws IOException {
        Path wanted = server(first, "some-server", "Valkey server v=8.1.1 sha=0");
        whereDemanded(wanted.toString(), () -> {
            assertThat(RedisBinary.chosen().path()).isEqualTo(wanted);
            assertThat(RedisBinary.all())
                    .singleElement()
                    .satisfies(only -> assertThat(only.path()).isEqualTo(wanted));
        });
    }

    @Test
    void aDemandedOneThatIsMissingIsReplacedByNoOther() {
        whereDemanded(first.resolve("missing").toString(), () -> {
            assertThatThrownBy(RedisBinary::chosen)
                    .isInstanceOf(IllegalStateException.class)
                    .hasMessageContaining("checkins.test.redis=" + first.resolve("missing"));
            assertThatThrownBy(RedisBinary::all).isInstanceOf(IllegalStateException.class);
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "container"})
    void whereNoBinaryIsDemandedItIsTheNewest(String demand) {
        whereDemanded(demand, () -> {
            assertThat(RedisBinary.demanded()).isEmpty();
            assertThat(RedisBinary.chosen().path())
                    .isEqualTo(RedisBinary.newest().path());
        });
    }

    private static void whereDemanded(String demand, Runnable check) {
        String before = System.getProperty(RedisBinary.PROPERTY);
        System.setProperty(RedisBinary.PROPERTY, demand);
        try {
            check.run();
        } finally {
            if (before == null) {
                System.clearProperty(RedisBinary.PROPERTY);
            } else {
                System.setProperty(RedisBinary.PROPERTY, before);
            }
        }
    }

    private static Path server(Path folder, String name, String versionLine) throws IOException {
        return script(folder, name, "[ \"$1\" = --version ] && echo '" + versionLine + "'");
    }

    private static Path script(Path folder, String name, String commands) throws IOException {
        Path script = Files.writeString(folder.resolve(name), "#!/bin/sh\n" + commands + '\n');
        return Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwx------"));
    }

    private static String path(Path... folders) {
        return Stream.of(folders).map(Path::toString).collect(Collectors.joining(File.pathSeparator));
    }
}
