package io.ncc.checkin.testsupport;

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
import java.util.Objects;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** The Redis commands that the scripts run, found in their source. */
public final class ScriptCommands {

    /** Except the one of {@code requirePermissions}, which runs the commands that scripts list for it. */
    private static final Pattern ANY_CALL = Pattern.compile("\\bp?call\\((?!unpack\\(command\\))");

    private static final Pattern LISTED = Pattern.compile("\\{ '([A-Z]+)', probe\\b");
    private static final Pattern CALL =
            Pattern.compile("\\bp?call\\('([A-Z]+)'(?:, '(CREATE|SETID|DELCONSUMER|STREAM|GROUPS|CONSUMERS)')?");

    private ScriptCommands() {}

    /**
     * What can be taken away from a user of this server so that scripts lack it. Below 7.0 that is a command as a whole.
     *
     * @param scripts by name; all if none is given
     */
    public static Set<String> deniable(RealRedis redis, String... scripts) {
        boolean parts = redis.version().major() >= 7;
        Set<String> all = new TreeSet<>();
        for (String script : scripts.length == 0 ? scripts().toArray(String[]::new) : scripts) {
            of(script).forEach(command -> all.add(parts ? command : command.replaceAll("\\|.*", "")));
        }
        return all;
    }

    /** The commands of one script, as an ACL names them: {@code xgroup|create}. */
    public static Set<String> of(String script) {
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
        LISTED.matcher(source)
                .results()
                .forEach(listed -> commands.add(listed.group(1).toLowerCase(Locale.ROOT)));
        return commands;
    }

    /** Those of the module whose tests run, which is the engine: the folder must not be in a jar. */
    public static Set<String> scripts() {
        Set<String> names = new TreeSet<>();
        try (Stream<Path> files = Files.list(folder())) {
            files.map(file -> file.getFileName().toString())
                    .filter(name -> name.endsWith(".lua"))
                    .map(name -> name.substring(0, name.length() - ".lua".length()))
                    .forEach(names::add);
            return names;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String source(String script) {
        try (InputStream in =
                Objects.requireNonNull(ScriptCommands.class.getResourceAsStream("/lua/" + script + ".lua"))) {
            // what a comment says isn't called
            return new String(in.readAllBytes(), StandardCharsets.UTF_8).replaceAll("(?m)--.*$", "");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Path folder() {
        URL probe = Objects.requireNonNull(ScriptCommands.class.getResource("/lua/probe.lua"));
        try {
            return Objects.requireNonNull(Path.of(probe.toURI()).getParent());
        } catch (URISyntaxException e) {
            throw new AssertionError(e);
        }
    }
}
