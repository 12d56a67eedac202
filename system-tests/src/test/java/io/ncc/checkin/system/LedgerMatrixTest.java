package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.system.ledger.Fault;
import io.ncc.checkin.system.ledger.Sabotage;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** The tables in docs/guarantees.md have a row for each fault and each sabotage of the ledger test. */
final class LedgerMatrixTest {

    private static final Path PAGE = Path.of("../docs/guarantees.md");

    @ParameterizedTest
    @EnumSource
    void eachFaultHasARow(Fault fault) throws IOException {
        assertThat(rows()).anyMatch(row -> row.startsWith("| `" + fault + "` | " + fault.description() + " | "));
    }

    @ParameterizedTest
    @EnumSource
    void eachSabotageHasARow(Sabotage sabotage) throws IOException {
        assertThat(rows())
                .anyMatch(row -> row.startsWith("| `" + sabotage + "` | ")
                        && row.contains(sabotage.broken().name()));
    }

    private static List<String> rows() throws IOException {
        return Files.readAllLines(PAGE);
    }
}
