package io.ncc.checkin.testsupport;

import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The runnable jars of a build.
 *
 * @param project the folder of the project, which has been packaged
 */
public record Jars(Path project) {

    /**
     * The one of a service, of the demo, or of the benchmarks.
     *
     * @throws IllegalStateException if it isn't there
     */
    public Path of(String module) {
        Path jar = project.resolve(module)
                .resolve("target")
                .resolve(module + ".jar")
                .toAbsolutePath()
                .normalize();
        if (!Files.isRegularFile(jar)) {
            throw new IllegalStateException(jar + " is not there: run mvn package at the root first");
        }
        return jar;
    }
}
