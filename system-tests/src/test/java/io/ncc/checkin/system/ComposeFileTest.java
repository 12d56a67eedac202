package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

/** Our containers run with a read-only root, because the services write temporary files only. */
final class ComposeFileTest {

    @Test
    void eachContainerOfOursHasAReadOnlyRootAndAWritableTmp() throws IOException {
        Map<String, Map<String, Map<String, Object>>> file;
        try (Reader in = Files.newBufferedReader(Path.of("..", "docker-compose.yml"))) {
            file = new Yaml(new SafeConstructor(new LoaderOptions())).load(in);
        }
        List<Map<String, Object>> ours = file.get("services").values().stream()
                .filter(service -> service.containsKey("build"))
                .toList();
        assertThat(ours)
                .hasSize(4)
                .allSatisfy(service ->
                        assertThat(service).containsEntry("read_only", true).containsEntry("tmpfs", "/tmp"));
    }
}
