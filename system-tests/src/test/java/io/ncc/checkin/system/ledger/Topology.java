package io.ncc.checkin.system.ledger;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisException;
import io.lettuce.core.api.sync.RedisCommands;
import io.ncc.checkin.localredis.LocalRedis;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.BrokenScript;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;
import java.util.function.Function;

/** Receivers, processors and an API server, each a process with its own {@link Route} to Redis. */
public final class Topology implements AutoCloseable {

    enum Kind {
        RECEIVER,
        PROCESSOR,
        API
    }

    /** A service. */
    record Member(ServiceProcess process, Route route, int port) {

        boolean isUp() {
            return process.isUp();
        }

        void close() {
            process.close();
            route.close();
        }

        @Override
        public String toString() {
            return process.toString();
        }
    }

    private static final Duration SETTLED_LIMIT = Duration.ofSeconds(90);

    private static final List<String> PROCESSOR_SETTINGS = List.of(
            "--checkin.processor.claim-after=500ms",
            "--checkin.processor.claim-every=200ms",
            "--checkin.processor.projections=totals,boards");

    private final Setup setup;
    private final Function<String, Path> jars;
    private final Path folder;
    private final Map<Kind, List<Member>> members = new EnumMap<>(Kind.class);
    private final RedisNodes redis;
    private boolean broken;

    /**
     * Starts everything and waits until it is up.
     *
     * @param number of receivers, and of processors
     * @param jars the extracted jar of a module
     * @param folder for what the services write
     */
    public Topology(Setup setup, int number, Function<String, Path> jars, Path folder) {
        this.setup = setup;
        this.jars = jars;
        this.folder = folder;
        redis = RedisNodes.start(setup);
        try {
            for (int i = 1; i <= number; i++) {
                start(
                        Kind.RECEIVER,
                        "receiver" + i,
                        jars.apply("checkin-receiver"),
                        List.of(),
                        receiverSettings(setup));
                start(Kind.PROCESSOR, "processor" + i, jars.apply("checkin-processor"), List.of(), PROCESSOR_SETTINGS);
            }
            start(Kind.API, "api", jars.apply("api-server"), List.of(), List.of());
            awaitAllUp();
        } catch (RuntimeException | Error e) {
            close();
            throw e;
        }
    }

    private static List<String> receiverSettings(Setup setup) {
        return List.of(
                "--checkin.receiver.durability=" + setup.durability(), "--checkin.receiver.durability-timeout=500ms");
    }

    private void start(Kind kind, String name, Path jar, List<Path> classes, List<String> settings) {
        Route route = redis.newRoute();
        int port = LocalRedis.freePort();
        List<String> arguments = new ArrayList<>(route.settings());
        arguments.add("--server.port=" + port);
        arguments.add("--spring.data.redis.timeout=1s");
        if (setup.partitions().arePartitioned()) {
            arguments.add("--checkin.partitions=" + setup.partitions().count());
        }
        arguments.addAll(settings);
        var process = ServiceProcess.ofJar(name, folder, classes, jar, arguments);
        members.computeIfAbsent(kind, first -> new ArrayList<>()).add(new Member(process, route, port));
    }

    /** Puts one processor without a part of the guard in the place of all, unless that is done already. */
    void breakProcessors() {
        if (broken) {
            return;
        }
        broken = true;
        Path classes;
        try (InputStream script = Objects.requireNonNull(Topology.class.getResourceAsStream('/' + BrokenScript.NAME))) {
            classes = BrokenScript.WITHOUT_SETTLED_HALF.writeInto(folder, script);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        all(Kind.PROCESSOR).forEach(Member::close);
        members.remove(Kind.PROCESSOR);
        start(
                Kind.PROCESSOR,
                "broken-processor",
                jars.apply("checkin-processor"),
                List.of(classes),
                PROCESSOR_SETTINGS);
        awaitAllUp();
    }

    Setup setup() {
        return setup;
    }

    RedisNodes redis() {
        return redis;
    }

    List<Member> all(Kind... kinds) {
        return Arrays.stream(kinds)
                .flatMap(kind -> members.getOrDefault(kind, List.of()).stream())
                .toList();
    }

    List<Member> all() {
        return all(Kind.values());
    }

    /** One of this kind, that is up if any is. */
    Member pick(Kind kind, Random random) {
        List<Member> candidates = new ArrayList<>(all(kind));
        Collections.shuffle(candidates, random);
        return candidates.stream().filter(Member::isUp).findFirst().orElse(candidates.get(0));
    }

    void awaitAllUp() {
        all().forEach(member -> member.process().awaitUp());
    }

    /** Waits until every entry is settled. */
    void awaitSettled() {
        for (int partition : setup.partitions().all()) {
            Keys keys = setup.partitions().keys(partition);
            await("the end of all work in partition " + partition)
                    .atMost(SETTLED_LIMIT)
                    .ignoreExceptionsInstanceOf(RedisException.class)
                    .untilAsserted(() -> redis.onPrimary(partition, commands -> requireSettled(commands, keys)));
        }
    }

    private static boolean requireSettled(RedisCommands<String, String> commands, Keys keys) {
        requireSettled(commands, keys, Keys.GROUP, keys.checkpoint(), keys.settledRanges());
        requireSettled(commands, keys, Keys.BOARDS_GROUP, keys.boardsCheckpoint(), keys.boardsSettledRanges());
        return true;
    }

    private static void requireSettled(
            RedisCommands<String, String> commands, Keys keys, String name, String checkpoint, String ranges) {
        Object last = valueOf("last-generated-id", commands.xinfoStream(keys.checkins()));
        List<?> group = commands.xinfoGroups(keys.checkins()).stream()
                .map(reply -> (List<?>) reply)
                .filter(reply -> name.equals(valueOf("name", reply)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no group " + name));
        assertThat(valueOf("pending", group)).as("pending in %s", name).isEqualTo(0L);
        assertThat(valueOf("last-delivered-id", group))
                .as("delivered to %s up to", name)
                .isEqualTo(last);
        assertThat(commands.get(checkpoint)).as(checkpoint).isEqualTo(last);
        assertThat(commands.zcard(ranges)).as(ranges).isZero();
    }

    private static Object valueOf(String name, List<?> namesAndValues) {
        return namesAndValues.get(namesAndValues.indexOf(name) + 1);
    }

    /** What the services have written last, for a check that failed. */
    String endOfOutput() {
        var text = new StringBuilder();
        all().forEach(member -> text.append(member.process().endOfOutput()));
        return text.toString();
    }

    @Override
    public void close() {
        all().forEach(Member::close);
        redis.close();
    }
}
