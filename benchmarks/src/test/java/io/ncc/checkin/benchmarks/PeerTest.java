package io.ncc.checkin.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

@Timeout(60)
final class PeerTest {

    /** With or without npm. */
    @Test
    void packagesThatCantBeInstalledAreAReasonAndNoFailure(@TempDir Path empty) {
        assertThat(Peer.install(empty)).isPresent();
        assertThat(Peer.install(empty.resolve("missing"))).isPresent();
    }

    /** A lock file with addresses would bind everyone to the registry of whoever wrote it. */
    @ParameterizedTest
    @EnumSource
    void thePackagesOfAPeerAreFixedAndNameNoRegistry(Peer peer) throws Exception {
        Path folder = peer.folder(Path.of(".."));
        assertThat(Files.readString(folder.resolve("package-lock.json")))
                .contains("\"integrity\"")
                .doesNotContain("\"resolved\"");
        assertThat(Files.readString(folder.resolve("package.json"))).doesNotContain("\"^", "\"~", "latest");
    }
}
