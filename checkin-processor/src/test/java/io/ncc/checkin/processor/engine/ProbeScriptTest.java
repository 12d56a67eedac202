package io.ncc.checkin.processor.engine;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The probe knows every command of the other scripts. */
final class ProbeScriptTest {

    private static final Pattern ANY_CALL = Pattern.compile("\\bp?call\\(");
    private static final Pattern CALL =
            Pattern.compile("\\bp?call\\('([A-Z]+)'(?:, '(CREATE|DELCONSUMER|STREAM|GROUPS|CONSUMERS)')?");

    @Test
    void theProbeUsesEveryCommandOfTheScripts() {
        Set<String> probed = commandsOf("probe.lua");
        Map<String, Set<String>> missing = new TreeMap<>();
        scripts().forEach(script -> {
            Set<String> commands = commandsOf(script);
            commands.removeAll(probed);
            if (!commands.isEmpty()) {
                missing.put(script, commands);
            }
        });

        assertThat(missing).as("commands that probe.lua doesn't try").isEmpty();
    }

    @Test
    void theCommandsAreFound() {
        assertThat(scripts()).contains("apply.lua", "claim.lua", "janitor.lua", "settled.lua");
        assertThat(commandsOf("janitor.lua")).contains("xtrim", "xgroup|delconsumer", "xinfo|groups", "zremrangebylex");
    }

    /** The commands of all scripts, as an ACL names them: {@code xgroup|create}. */
    static Set<String> commands() {
        Set<String> all = new TreeSet<>();
        scripts().forEach(script -> all.addAll(commandsOf(script)));
        return all;
    }

    private static Set<String> commandsOf(String script) {
        String source = source(script);
        Set<String> commands = new TreeSet<>();
        Matcher matcher = CALL.matcher(source);
        long found = 0;
        while (matcher.find()) {
            found++;
            String command = matcher.group(1).toLowerCase(Locale.ROOT);
            String part = matcher.group(2);
            commands.add(part == null ? command : command + '|' + part.toLowerCase(Locale.ROOT));
        }
        assertThat(found)
                .as("calls of %s whose command is a literal", script)
                .isEqualTo(ANY_CALL.matcher(source).results().count());
        return commands;
    }

    /** Those of this module, and the one before them that is shared. */
    private static Set<String> scripts() {
        Set<String> names = new TreeSet<>(Set.of("settled.lua"));
        try (Stream<Path> files = Files.list(folder())) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".lua"))
                    .forEach(names::add);
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String source(String script) {
        try (InputStream in = Objects.requireNonNull(ProbeScriptTest.class.getResourceAsStream("/lua/" + script))) {
            // what a comment says isn't called
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replaceAll("(?m)--.*$", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path folder() {
        URL probe = Objects.requireNonNull(ProbeScriptTest.class.getResource("/lua/probe.lua"));
        try {
            return Objects.requireNonNull(Path.of(probe.toURI()).getParent());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
