package io.ncc.checkin.benchmarks;

import java.nio.file.Files;
import java.nio.file.Path;

/** Where the runnable jars are, and the Java that runs them. */
final class Jars {

    private final Path project;

    /** @param project the folder of the project, which has been packaged */
    Jars(Path project) {
        this.project = project;
    }

    /** @throws IllegalStateException if it isn't there */
    Path of(String module) {
        Path jar = project.resolve(module).resolve("target").resolve(module + ".jar");
        if (!Files.isRegularFile(jar)) {
            throw new IllegalStateException(jar + " is not there: run mvn package -DskipTests at the root first");
        }
        return jar;
    }

    Path expressPeer() {
        return project.resolve("benchmarks").resolve("peers").resolve("express");
    }

    /** The one that runs this program. */
    String java() {
        return Path.of(System.getProperty("java.home"), "bin", "java").toString();
    }
}
