package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.lettuce.core.ScoredValue;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.PerlProgram;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.File;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;

/** A checkin that can't be applied, from its POST to its replay, through all three services. */
@Timeout(60)
final class ReplayIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Keys KEYS = Keys.unpartitioned();
    private static final Duration LIMIT = Duration.ofSeconds(20);

    @TempDir
    static Path folder;

    @Test
    void aDeadLetterIsAppliedAfterTheRepairAsOfTheTimeOfItsOriginal() {
        redis.commands().set(KEYS.user(789), "no hash");
        try (ConfigurableApplicationContext receiver = ReceiverApplication.run(settings());
                ConfigurableApplicationContext processor = ProcessorApplication.run(settings());
                ConfigurableApplicationContext api = ApiApplication.run(settings())) {
            assertThat(processor.isRunning()).isTrue();
            String original = post(receiver, "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
            awaitStatus(api, original, "dead");
            JsonNode dead = get(api, "/checkins/" + original).json();
            assertThat(get(api, "/users/1?after=" + original).status()).isEqualTo(400);
            assertThat(get(api, "/locations/171?after=" + original).status()).isEqualTo(409);

            redis.commands().del(KEYS.user(789));
            String later = post(receiver, "{\"userId\":789,\"locationId\":172,\"starRating\":4}");
            assertThat(get(api, "/users/789?after=" + later + "&wait=10s").status())
                    .isEqualTo(200);

            String letter = dead.get("deadLetter").asString();
            assertThat(get(api, "/dead-letters/" + letter).json().get("reason")).isEqualTo(dead.get("reason"));
            HttpAnswer replay =
                    HttpAnswer.send(HttpRequest.newBuilder(URI.create(url(api) + "/dead-letters/" + letter + "/replay"))
                            .POST(BodyPublishers.noBody()));
            assertThat(replay.status()).isEqualTo(200);
            String replayedAs = replay.json().get("replayedAs").asString();

            JsonNode user =
                    get(api, "/users/789?after=" + original + "&wait=10s").json();
            assertThat(user.get("numCheckins").asLong()).isEqualTo(2);
            assertThat(user.get("lastCheckinId").asString()).isEqualTo(later); // and not the replay, which came last
            assertThat(user.get("lastSeenAt").asLong()).isEqualTo(172);
            assertThat(get(api, "/locations/171").json().get("numStars").asLong())
                    .isEqualTo(5);
            JsonNode status = get(api, "/checkins/" + original).json();
            assertThat(status.get("status").asString()).isEqualTo("applied");
            assertThat(status.get("replayedAs").asString()).isEqualTo(replayedAs);
            assertThat(get(api, "/checkins/" + replayedAs)
                            .json()
                            .get("checkin")
                            .get("replayOf")
                            .asString())
                    .isEqualTo(original);
            assertThat(get(api, "/dead-letters").json().get("items")).isEmpty();
        }
    }

    /** The key that spoils the projection of the group. */
    private static String spoiled(String group, Keys keys) {
        return group.equals(Keys.GROUP) ? keys.user(789) : keys.visitors(171);
    }

    @ParameterizedTest
    @CsvSource({
        "checkinConsumers,,0",
        "checkinBoards,,0",
        "checkinBoards,,16091", // with the checkin the most that a processor takes
        "checkinConsumers,4,0",
        "checkinBoards,4,0",
    })
    void aDeadLetterThatIsReplayedCountsOnceInItsProjectionAndNotAgainInTheOther(
            String group, @Nullable Integer count, int note) {
        Partitions partitions = count == null ? Partitions.none() : Partitions.of(count);
        Keys keys = partitions.keys(partitions.ofUser(789));
        String[] settings = count == null
                ? settings("--checkin.processor.projections=totals,boards")
                : settings("--checkin.processor.projections=totals,boards", "--checkin.partitions=" + count);
        String[] shared = Arrays.stream(settings)
                .filter(setting -> !setting.startsWith("--checkin.processor"))
                .toArray(String[]::new);
        redis.commands().set(spoiled(group, keys), "of another type");
        try (ConfigurableApplicationContext receiver = ReceiverApplication.run(shared);
                ConfigurableApplicationContext processor = ProcessorApplication.run(settings);
                ConfigurableApplicationContext api = ApiApplication.run(shared)) {
            assertThat(processor.isRunning()).isTrue();
            if (note == 0) {
                post(receiver, "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
            } else {
                Map<String, String> fields = new HashMap<>(CheckinCodec.encode(new Checkin(789, 171, 5)));
                fields.put("note", "x".repeat(note));
                redis.commands().xadd(keys.checkins(), fields);
            }
            String list = "/dead-letters?group=" + group;
            await().atMost(LIMIT)
                    .until(() -> !get(api, list).json().get("items").isEmpty());
            String letter = get(api, list).json().get("items").get(0).get("id").asString();
            redis.commands().del(spoiled(group, keys));
            HttpAnswer replay = HttpAnswer.send(
                    HttpRequest.newBuilder(URI.create(url(api) + "/dead-letters/" + letter + "/replay?group=" + group))
                            .POST(BodyPublishers.noBody()));
            assertThat(replay.status()).isEqualTo(200);
            String entry = replay.json().get("replayedAs").asString();
            await().atMost(LIMIT)
                    .untilAsserted(() -> assertThat(get(api, "/checkins/" + entry)
                                    .json()
                                    .get("groups")
                                    .toString())
                            .isEqualTo("{\"checkinConsumers\":\"applied\",\"checkinBoards\":\"applied\"}"));

            assertThat(get(api, "/users/789").json().get("numCheckins").asLong())
                    .isEqualTo(1);
            assertThat(redis.commands().zscore(keys.userBoard(), "789")).isEqualTo(1.0);
            assertThat(get(api, list).json().get("items")).isEmpty();
            for (JsonNode projection : get(api, "/stream").json().get("projections")) {
                boolean own = projection.get("group").asString().equals(group);
                assertThat(projection.get("totals").toString())
                        .isEqualTo("{\"applied\":1,\"dead\":" + (own ? 1 : 0) + ",\"lost\":0,\"skipped\":0,\"foreign\":"
                                + (own ? 0 : 1) + ",\"missed\":0}");
            }
        }
    }

    /** Also those that had been replayed, with success or in vain. */
    @ParameterizedTest
    @CsvSource({
        "checkinConsumers, To process the stream again",
        "checkinBoards, To switch off `boards`",
    })
    void afterTheCommandsOfThePageAProjectionCountsEachCheckinOnce(String group, String heading) throws Exception {
        String[] processing = settings("--checkin.processor.projections=totals,boards");
        String hopeless = group.equals(Keys.GROUP) ? KEYS.user(791) : KEYS.visitors(173);
        redis.commands().set(spoiled(group, KEYS), "of another type");
        redis.commands().set(hopeless, "of another type");
        try (ConfigurableApplicationContext receiver = ReceiverApplication.run(settings());
                ConfigurableApplicationContext api = ApiApplication.run(settings())) {
            String again;
            try (ConfigurableApplicationContext processor = ProcessorApplication.run(processing)) {
                assertThat(processor.isRunning()).isTrue();
                post(receiver, "{\"userId\":789,\"locationId\":171,\"starRating\":5}");
                again = post(receiver, "{\"userId\":791,\"locationId\":173,\"starRating\":3}");
                post(receiver, "{\"userId\":790,\"locationId\":172,\"starRating\":4}");
                awaitSettled();
                redis.commands().del(spoiled(group, KEYS));
                assertThat(putAllBack(api, group)).hasSize(2); // one of them in vain
                awaitSettled();
                post(receiver, "{\"userId\":789,\"locationId\":172,\"starRating\":2}");
                awaitSettled();
            }

            runCommandsOfThePage(heading);
            redis.commands().set(hopeless, "of another type");

            try (ConfigurableApplicationContext processor = ProcessorApplication.run(processing)) {
                assertThat(processor.isRunning()).isTrue();
                awaitSettled();
                assertThat(ofLetters(api, group, "originalId")).containsExactly(again);
                redis.commands().del(hopeless);
                assertThat(putAllBack(api, group)).hasSize(1);
                awaitSettled();
            }
        }
        assertThat(redis.commands().hget(KEYS.user(789), "numCheckins")).isEqualTo("2");
        assertThat(redis.commands().hget(KEYS.user(790), "numCheckins")).isEqualTo("1");
        assertThat(redis.commands().hget(KEYS.user(791), "numCheckins")).isEqualTo("1");
        assertThat(redis.commands().hget(KEYS.location(171), "numStars")).isEqualTo("5");
        assertThat(redis.commands().hget(KEYS.location(172), "averageStars")).isEqualTo("3");
        assertThat(redis.commands().zrangeWithScores(KEYS.userBoard(), 0, -1))
                .containsExactly(ScoredValue.just(1, "790"), ScoredValue.just(1, "791"), ScoredValue.just(2, "789"));
        assertThat(redis.commands().zrangeWithScores(KEYS.starBoard(), 0, -1))
                .containsExactly(ScoredValue.just(3, "173"), ScoredValue.just(5, "171"), ScoredValue.just(6, "172"));
        String totals = group.equals(Keys.GROUP) ? KEYS.totals() : KEYS.boardsTotals();
        assertThat(redis.commands().hgetall(totals))
                .containsEntry("applied", "4")
                .containsEntry("dead", "1")
                .doesNotContainKeys("lost", "skipped", "foreign");
        if (redis.version().isAtLeast(7, 0)) {
            assertThat(redis.commands().hget(totals, "missed")).isEqualTo("2");
        }
    }

    private static void awaitSettled() {
        String newest = redis.commands()
                .xrevrange(KEYS.checkins(), Range.unbounded(), Limit.from(1))
                .get(0)
                .getId();
        await().atMost(LIMIT)
                .until(() -> Stream.of(KEYS.checkpoint(), KEYS.boardsCheckpoint())
                        .allMatch(checkpoint -> newest.equals(redis.commands().get(checkpoint))));
    }

    private static List<String> putAllBack(ConfigurableApplicationContext api, String group) {
        List<String> letters = ofLetters(api, group, "id");
        for (String letter : letters) {
            HttpAnswer replay = HttpAnswer.send(
                    HttpRequest.newBuilder(URI.create(url(api) + "/dead-letters/" + letter + "/replay?group=" + group))
                            .POST(BodyPublishers.noBody()));
            assertThat(replay.status()).isEqualTo(200);
        }
        return letters;
    }

    private static List<String> ofLetters(ConfigurableApplicationContext api, String group, String member) {
        List<String> values = new ArrayList<>();
        get(api, "/dead-letters?group=" + group)
                .json()
                .get("items")
                .forEach(letter -> values.add(letter.get(member).asString()));
        return values;
    }

    /** Those of the block after a heading in docs/operation.md, in a shell that finds a redis-cli for this server. */
    private static void runCommandsOfThePage(String heading) throws Exception {
        Matcher block = Pattern.compile("\\*\\*" + Pattern.quote(heading) + ".*?```\n(.*?)```", Pattern.DOTALL)
                .matcher(Files.readString(Path.of("../docs/operation.md")));
        assertThat(block.find()).isTrue();
        Path redisCli = folder.resolve("redis-cli");
        String command = String.join("' '", PerlProgram.copiedTo(folder, "redis-cli.pl"));
        Files.writeString(
                redisCli, "#!/bin/sh\nexec '%s' '%s' %d \"$@\"\n".formatted(command, redis.host(), redis.port()));
        assertThat(redisCli.toFile().setExecutable(true)).isTrue();
        Path said = folder.resolve("said");
        ProcessBuilder shell = new ProcessBuilder("sh", "-e", "-c", block.group(1))
                .redirectErrorStream(true)
                .redirectOutput(said.toFile());
        shell.environment().merge("PATH", folder.toString(), (path, first) -> first + File.pathSeparator + path);
        assertThat(shell.start().waitFor()).as(Files.readString(said)).isZero();
    }

    private static String[] settings(String... more) {
        return Stream.concat(Stream.of("--server.port=0", "--spring.data.redis.url=" + redis.uri()), Stream.of(more))
                .toArray(String[]::new);
    }

    private static String url(ConfigurableApplicationContext service) {
        return "http://localhost:" + service.getEnvironment().getRequiredProperty("local.server.port");
    }

    private static HttpAnswer get(ConfigurableApplicationContext service, String path) {
        return HttpAnswer.get(url(service) + path);
    }

    private static String post(ConfigurableApplicationContext receiver, String checkin) {
        HttpAnswer answer = HttpAnswer.post(url(receiver) + "/checkins", checkin);
        assertThat(answer.status()).isEqualTo(202);
        return answer.json().get("id").asString();
    }

    private static void awaitStatus(ConfigurableApplicationContext api, String id, String status) {
        await().atMost(LIMIT)
                .until(() -> get(api, "/checkins/" + id)
                        .json()
                        .get("status")
                        .asString("")
                        .equals(status));
    }
}
