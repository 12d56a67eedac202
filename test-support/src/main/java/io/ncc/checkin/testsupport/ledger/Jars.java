package io.ncc.checkin.testsupport.ledger;

import java.nio.file.Path;

/** The runnable jars of the services. */
public record Jars(Path receiver, Path processor, Path api) {

    /** Those of a build, below its root. */
    public static Jars below(Path root) {
        return new Jars(jar(root, "checkin-receiver"), jar(root, "checkin-processor"), jar(root, "api-server"));
    }

    private static Path jar(Path root, String module) {
        return root.resolve(module)
                .resolve("target")
                .resolve(module + ".jar")
                .toAbsolutePath()
                .normalize();
    }
}
