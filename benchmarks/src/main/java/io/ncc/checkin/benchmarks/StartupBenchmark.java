package io.ncc.checkin.benchmarks;

import io.ncc.checkin.benchmarks.measure.Spread;
import io.ncc.checkin.localredis.LocalRedis;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;

/** How long a service takes until it is ready, and how much memory it then holds. */
final class StartupBenchmark {

    private static final List<String> SERVICES = List.of("checkin-receiver", "checkin-processor", "api-server");
    static final String PLAIN = "plain jar";
    private static final String READINESS = "/actuator/health/readiness";
    private static final int FIRST_JAVA_WITH_AOT_CACHE = 25;

    private StartupBenchmark() {}

    static void run(Lab lab) {
        LocalRedis redis = lab.redis();
        List<List<String>> rows = new ArrayList<>();
        for (String service : SERVICES) {
            rows.add(row(lab, service, PLAIN, plain(lab, service), redis));
            rows.add(row(lab, service, cacheName(), withCache(lab, service, redis), redis));
        }
        rows.add(demo(lab));
        lab.report()
                .table(
                        "Start and memory",
                        "Until the readiness probe answers 200; resident memory two seconds later. The demo has no limit to its heap.",
                        List.of("", "started as", "ready after", "spread", "memory"),
                        rows);
    }

    private static List<String> row(Lab lab, String name, String how, List<String> what, LocalRedis redis) {
        List<Double> seconds = new ArrayList<>();
        List<Double> megabytes = new ArrayList<>();
        for (int round = 0; round < lab.scale().rounds(); round++) {
            int port = LocalRedis.freePort();
            measure(name, command(what, redis, port), port, seconds, megabytes);
        }
        return row(lab, name, how, seconds, megabytes);
    }

    private static List<String> row(Lab lab, String name, String how, List<Double> seconds, List<Double> megabytes) {
        Spread start = Spread.of(seconds);
        Spread memory = Spread.of(megabytes);
        lab.say("%s, %s: %.2f s, %.0f MB".formatted(name, how, start.median(), memory.median()));
        return List.of(
                name,
                how,
                String.format(Locale.ROOT, "%.2f s", start.median()),
                String.format(Locale.ROOT, "%.2f to %.2f", start.min(), start.max()),
                String.format(Locale.ROOT, "%.0f MB", memory.median()));
    }

    private static void measure(
            String name, List<String> command, int port, List<Double> seconds, List<Double> megabytes) {
        long start = System.nanoTime();
        try (Started service = Started.server(name, command, Map.of(), port, READINESS)) {
            seconds.add((System.nanoTime() - start) / 1e9);
            LockSupport.parkNanos(TimeUnit.SECONDS.toNanos(2));
            megabytes.add(megabytes(service.pid()));
        }
    }

    /** Starts a service; the caller stops it. */
    static Lab.Server start(String service, List<String> what, LocalRedis redis) {
        int port = LocalRedis.freePort();
        return new Lab.Server(port, Started.server(service, command(what, redis, port), Map.of(), port, READINESS));
    }

    private static List<String> command(List<String> what, LocalRedis redis, int port) {
        List<String> command = Started.javaCommand();
        command.addAll(what);
        command.addAll(List.of(
                "--server.port=" + port, "--spring.data.redis.port=" + redis.port(), "--logging.level.root=warn"));
        return command;
    }

    static List<String> plain(Lab lab, String service) {
        return List.of("-jar", lab.jars().of(service).toString());
    }

    private static double megabytes(long pid) {
        try {
            Process ps = new ProcessBuilder("ps", "-o", "rss=", "-p", Long.toString(pid)).start();
            return Double.parseDouble(new String(ps.getInputStream().readAllBytes(), StandardCharsets.US_ASCII).strip())
                    / 1024;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static String cacheName() {
        return hasAotCache() ? "with an AOT cache" : "with a CDS archive";
    }

    private static boolean hasAotCache() {
        return Runtime.version().feature() >= FIRST_JAVA_WITH_AOT_CACHE;
    }

    /** Extracts the jar, and lets the service run once to note down what it loads. As the images do. */
    static List<String> withCache(Lab lab, String service, LocalRedis redis) {
        Path folder = temporary(service);
        lab.started(() -> delete(folder));
        run(List.of(
                Started.java(),
                "-Djarmode=tools",
                "-jar",
                lab.jars().of(service).toString(),
                "extract",
                "--destination",
                folder.toString(),
                "--force"));
        String jar = folder.resolve(service + ".jar").toString();
        String cache = folder.resolve("cache").toString();
        String output = (hasAotCache() ? "-XX:AOTCacheOutput=" : "-XX:ArchiveClassesAtExit=") + cache;
        start(service, List.of(output, "-jar", jar), redis).close();
        return List.of((hasAotCache() ? "-XX:AOTCache=" : "-XX:SharedArchiveFile=") + cache, "-jar", jar);
    }

    private static Path temporary(String service) {
        try {
            return Files.createTempDirectory("checkins-" + service);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static void run(List<String> command) {
        try {
            int status = new ProcessBuilder(command)
                    .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                    .start()
                    .waitFor();
            if (status != 0) {
                throw new IllegalStateException(String.join(" ", command) + " ended with " + status);
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }

    private static void delete(Path folder) throws IOException {
        try (Stream<Path> files = Files.walk(folder)) {
            for (Path file : files.sorted(java.util.Comparator.reverseOrder()).toList()) {
                Files.delete(file);
            }
        }
    }

    /** Everything in one process, with its Redis and its sample data. */
    private static List<String> demo(Lab lab) {
        List<Double> seconds = new ArrayList<>();
        List<Double> megabytes = new ArrayList<>();
        for (int round = 0; round < lab.scale().rounds(); round++) {
            measure(
                    "demo",
                    List.of(Started.java(), "-jar", lab.jars().of("demo").toString()),
                    8082,
                    seconds,
                    megabytes);
        }
        return row(lab, "demo, all in one", PLAIN, seconds, megabytes);
    }
}
