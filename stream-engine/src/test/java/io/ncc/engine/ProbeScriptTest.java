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
        // hand-over.lua runs at a stop: a right that is missing loses nothing, and is logged
        ScriptCommands.scripts().stream()
                .filter(script -> !script.equals("hand-over"))
                .forEach(script -> {
                    Set<String> commands = ScriptCommands.of(script);
                    commands.removeAll(probed);
                    if (!commands.isEmpty()) {
                        missing.put(script, commands);
                    }
                });

        assertThat(missing).as("commands that probe.lua doesn't try").isEmpty();
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
