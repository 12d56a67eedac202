package io.ncc.checkin.testsupport;

import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.WRITE;

import io.ncc.checkin.localredis.LocalRedis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

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

    /**
     * The service of {@link #of}, extracted and with an archive of the classes that it loads, as in the image: it needs about 40 %
     * less CPU time to start. The first test that asks for it after a build makes it, by starting and stopping the service.
     */
    public Path extracted(String service) {
        Path jar = of(service);
        Path folder = jar.resolveSibling("extracted");
        Path extracted = folder.resolve(jar.getFileName());
        synchronized (Jars.class) { // in this JVM; the lock is for the others
            try (FileChannel lock = FileChannel.open(folder.resolveSibling("extracted.lock"), CREATE, WRITE)) {
                lock.lock();
                if (!isNewer(classesOf(extracted), jar)) {
                    extract(jar, folder);
                    archiveClasses(extracted, folder);
                }
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return extracted;
    }

    /** The archive of the classes of an extracted service. Without it, the service starts as well, but not as quickly. */
    static Path classesOf(Path extracted) {
        return extracted.resolveSibling("classes.jsa");
    }

    private static boolean isNewer(Path file, Path than) throws IOException {
        return Files.exists(file) && Files.getLastModifiedTime(file).compareTo(Files.getLastModifiedTime(than)) > 0;
    }

    private static void extract(Path jar, Path folder) throws IOException {
        List<String> command = new ArrayList<>(ServiceProcess.JAVA);
        command.addAll(List.of("-Djarmode=tools", "-jar", jar.toString(), "extract", "--force"));
        command.addAll(List.of("--destination", folder.toString()));
        try {
            int status = new ProcessBuilder(command).inheritIO().start().waitFor();
            if (status != 0) {
                throw new IllegalStateException(command + " failed with status " + status);
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void archiveClasses(Path extracted, Path folder) throws IOException {
        Files.deleteIfExists(classesOf(extracted));
        try (LocalRedis redis = LocalRedis.start();
                ServiceProcess service = ServiceProcess.thatArchivesItsClasses(
                        extracted, folder, List.of("--server.port=0", "--spring.data.redis.port=" + redis.port()))) {
            service.awaitUp();
            service.stop();
            service.awaitEnd();
        }
    }
}
