package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.testsupport.ScriptCommands;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** The probe knows every command of the other scripts. */
final class ProbeScriptTest {

    @Test
    void theProbeUsesEveryCommandOfTheScripts() {
        Set<String> probed = ScriptCommands.of("probe");
        Map<String, Set<String>> missing = new TreeMap<>();
        ScriptCommands.scripts().forEach(script -> {
            Set<String> commands = ScriptCommands.of(script);
            commands.removeAll(probed);
            if (!commands.isEmpty()) {
                missing.put(script, commands);
            }
        });

        assertThat(missing)
                .as(
                        "commands that probe.lua doesn't try; a stop without the one of hand-over.lua loses nothing, and logs it")
                .isEqualTo(Map.of("hand-over", Set.of("xgroup|setid")));
    }

    @Test
    void theCommandsAreFound() {
        assertThat(ScriptCommands.scripts()).contains("claim", "janitor", "settle", "settled");
        assertThat(ScriptCommands.of("janitor"))
                .contains("xtrim", "xgroup|delconsumer", "xinfo|groups", "zremrangebylex");
        assertThat(ScriptCommands.of("claim"))
                .as("with those that it only tries")
                .contains("xadd", "xautoclaim");
    }
}
