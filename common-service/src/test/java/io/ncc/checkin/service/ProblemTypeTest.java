package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

final class ProblemTypeTest {

    private static final Pattern ROW = Pattern.compile("(?m)^\\| `([a-z-]+)` \\|");

    @Test
    void theDocumentExplainsEachTypeAndNoOther() throws IOException {
        String document = Files.readString(Path.of("../docs/problems.md"));
        assertThat(ROW.matcher(document).results().map((MatchResult row) -> row.group(1)))
                .containsExactlyInAnyOrderElementsOf(Arrays.stream(ProblemType.values())
                        .map(ProblemType::slug)
                        .toList());
    }

    @Test
    void theUriIsMadeOfTheTitle() {
        for (ProblemType type : ProblemType.values()) {
            String title = String.valueOf(type.problem().getTitle());
            assertThat(type.problem().getType())
                    .hasToString("urn:checkins:problem:"
                            + title.toLowerCase(Locale.ROOT).replace(' ', '-'));
        }
    }
}
