package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URL;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The README's table of settings has the defaults and descriptions of the configuration metadata. */
final class SettingsTableTest {

    private static final Pattern ROW = Pattern.compile("\\| `(checkin\\.[a-z.-]+)` \\| (.*?) \\| (.*?) \\|");

    @Test
    void theTableInTheReadmeIsThatOfTheMetadata() throws IOException {
        assertThat(inReadme()).isEqualTo(inMetadata());
    }

    @Test
    void allServicesMeanTheSameLengthOfTheStream() throws IOException {
        Map<String, List<String>> settings = inMetadata();
        assertThat(settings.get("checkin.receiver.max-length").get(0))
                .isEqualTo(settings.get("checkin.processor.max-length").get(0))
                .isEqualTo(settings.get("checkin.api.max-length").get(0));
    }

    private static Map<String, List<String>> inReadme() throws IOException {
        Map<String, List<String>> rows = new TreeMap<>();
        for (String line : Files.readAllLines(Path.of("../README.md"))) {
            Matcher row = ROW.matcher(line);
            if (row.matches()) {
                rows.put(row.group(1), List.of(row.group(2), row.group(3)));
            }
        }
        return rows;
    }

    private static Map<String, List<String>> inMetadata() throws IOException {
        Map<String, List<String>> settings = new TreeMap<>();
        List<URL> files = new ArrayList<>(Collections.list(
                SettingsTableTest.class.getClassLoader().getResources("META-INF/spring-configuration-metadata.json")));
        for (URL file : files) {
            try (InputStream in = file.openStream()) {
                for (JsonNode property : new JsonMapper().readTree(in).get("properties")) {
                    String name = property.get("name").asString();
                    if (name.startsWith("checkin.")) {
                        String value = property.path("defaultValue").asString("");
                        settings.put(
                                name,
                                List.of(
                                        value.isEmpty() ? "" : "`" + value + "`",
                                        property.path("description").asString("")));
                    }
                }
            }
        }
        return settings;
    }
}
