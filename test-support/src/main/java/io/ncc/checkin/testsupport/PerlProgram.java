package io.ncc.checkin.testsupport;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;

/** A program in Perl, which is where Git is, that talks to Redis. */
public final class PerlProgram {

    private PerlProgram() {}

    /**
     * Copies a program from the class path to a folder, with the client of Redis that it uses.
     *
     * @return the beginning of the command that runs it
     */
    public static List<String> copiedTo(Path folder, String name) throws IOException {
        for (String file : new String[] {name, "Redis.pm"}) {
            try (InputStream source = PerlProgram.class.getResourceAsStream('/' + file)) {
                Files.copy(
                        Objects.requireNonNull(source, file),
                        folder.resolve(file),
                        StandardCopyOption.REPLACE_EXISTING);
            }
        }
        return List.of("perl", "-I", folder.toString(), folder.resolve(name).toString());
    }
}
