package io.ncc.checkin.benchmarks;

import io.ncc.checkin.localredis.LocalRedis;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A program for Node.js that does what the receiver and the API server do. */
enum Peer {
    EXPRESS("Express + ioredis", "express", 1),
    FASTIFY("Fastify + ioredis", "fastify", 1),
    FASTIFY_TWO_WORKERS("Fastify + ioredis, two workers", "fastify", 2);

    private final String title;
    private final String folder;
    private final int workers;

    Peer(String title, String folder, int workers) {
        this.title = title;
        this.folder = folder;
        this.workers = workers;
    }

    String title() {
        return title;
    }

    Path folder(Path project) {
        return project.resolve("benchmarks").resolve("peers").resolve(folder);
    }

    /**
     * Installs the packages of the peer in this folder, unless they are.
     *
     * @return why they can't be had, or empty
     */
    static Optional<String> install(Path folder) {
        try {
            // npm writes this file last; if it is there, Node.js may still be missing
            List<String> command = Files.exists(folder.resolve("node_modules").resolve(".package-lock.json"))
                    ? List.of("node", "--version")
                    : List.of("npm", "ci", "--silent");
            int status = new ProcessBuilder(command)
                    .directory(folder.toFile())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
            return status == 0 ? Optional.empty() : Optional.of(String.join(" ", command) + " failed in " + folder);
        } catch (IOException e) {
            return Optional.of(String.valueOf(e.getMessage()));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return Optional.of("interrupted");
        }
    }

    Started start(Path project, LocalRedis redis, int port) {
        Map<String, String> environment = Map.of(
                "PORT", Integer.toString(port),
                "REDIS_PORT", Integer.toString(redis.port()),
                "WORKERS", Integer.toString(workers));
        List<String> command =
                List.of("node", folder(project).resolve("server.js").toString());
        return Started.server(folder, command, environment, port, "/");
    }
}
