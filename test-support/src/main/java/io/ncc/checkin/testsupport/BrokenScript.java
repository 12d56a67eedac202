package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;

/** {@code settle.lua}, broken on purpose: each variant lacks one half of the guard that makes an entry count once. */
public enum BrokenScript {
    WITHOUT_SETTLED_HALF("local settledBefore = settled[n]", "local settledBefore = false"),
    WITHOUT_XACK_HALF("elseif pending or not mustBePending then", "elseif true then");

    /** Of the script, on the class path. */
    public static final String NAME = "lua/settle.lua";

    private final String part;
    private final String replacement;

    BrokenScript(String part, String replacement) {
        this.part = part;
        this.replacement = replacement;
    }

    /**
     * Writes it where it can go before the script on a class path.
     *
     * @return what is to go before
     */
    public Path writeInto(Path folder, InputStream original) {
        try {
            String script = new String(original.readAllBytes(), StandardCharsets.UTF_8);
            assertThat(script).containsOnlyOnce(part);
            Path classes = folder.resolve("broken-classes");
            Path file = classes.resolve(NAME);
            Files.createDirectories(file.getParent());
            Files.writeString(file, script.replace(part, replacement));
            return classes;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
