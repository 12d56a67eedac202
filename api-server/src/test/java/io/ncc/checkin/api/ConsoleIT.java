package io.ncc.checkin.api;

import static io.ncc.checkin.api.StreamFixture.KEYS;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XClaimArgs;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** What the pages of the console are told. */
@Timeout(120)
final class ConsoleIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final StreamFixture stream = new StreamFixture(redis);
    private static final JsonMapper JSON = new JsonMapper();
    private static final int MOST = 20;

    private static ApiServer api;

    @BeforeAll
    static void start() {
        api = ApiServer.start(
                redis,
                "--checkin.api.max-pages=" + MOST,
                "--checkin.api.claim-after=5s",
                "--checkin.api.receiver-base-url=http://receiver:8082",
                "--checkin.api.receiver-public-url=https://checkins.example");
    }

    @AfterAll
    static void stop() {
        api.close();
    }

    @BeforeEach
    void awaitThatAllPagesHaveLeft() {
        eventually(() -> api.metric("checkin_api_pages") == 0);
    }

    private static LiveFollower open() {
        return LiveFollower.follow(api.url("/console/events"), null);
    }

    private static void eventually(Callable<Boolean> condition) {
        await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(10))
                .until(condition);
    }

    private static List<JsonNode> events(LiveFollower page, String name) {
        return page.events().stream()
                .filter(event -> event.name().equals(name))
                .map(event -> JSON.readTree(event.data()))
                .toList();
    }

    private static JsonNode next(LiveFollower page, String name, Predicate<JsonNode> wanted) {
        int seen = events(page, name).size();
        return await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(10))
                .until(
                        () -> events(page, name).stream()
                                .skip(seen)
                                .filter(wanted)
                                .findFirst()
                                .orElse(null),
                        Objects::nonNull);
    }

    /** One that was taken after everything that was done by now. */
    private static JsonNode freshSample(LiveFollower page) {
        List<String> time = redis.commands().time();
        long now = Long.parseLong(time.get(0)) * 1000 + Long.parseLong(time.get(1)) / 1000;
        return await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(10))
                .until(
                        () -> events(page, "sample").stream()
                                .filter(sample -> sample.get("time").asLong(0) > now)
                                .findFirst()
                                .orElse(null),
                        Objects::nonNull);
    }

    private static JsonNode nextSample(LiveFollower page) {
        return next(page, "sample", sample -> true);
    }

    private static JsonNode group(JsonNode sample, String name) {
        return sample.get("groups")
                .valueStream()
                .filter(group -> group.get("name").asString().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no group " + name + " in " + sample));
    }

    private static void append(int count) {
        new RandomCheckins(5, 50, 20).append(redis.commands(), count);
    }

    @Test
    void aPageIsToldFirstWhatItNeedsAndThenHowEverythingStandsOnceASecond() {
        try (LiveFollower page = open()) {
            assertThat(page.header("Content-Type")).startsWith("text/event-stream");
            eventually(() -> page.count() >= 5);
            assertThat(page.events().get(0).name()).isEqualTo("hello");
            assertThat(events(page, "hello")).hasSize(1);
            List<Long> times = events(page, "sample").stream()
                    .map(sample -> sample.get("time").asLong())
                    .toList();
            assertThat(times.get(times.size() - 1) - times.get(times.size() - 2))
                    .isBetween(900L, 1_500L);
        }
        try (LiveFollower later = open()) { // now the server has a history, and knows what Redis it is
            eventually(() -> later.count() >= 2);
            JsonNode hello = events(later, "hello").get(0);
            assertThat(hello.get("redis").asString()).matches("(Redis|Valkey) \\d+\\.\\d+\\.\\d+");
            assertThat(hello.get("redisCli").asString()).matches("redis-cli( -p \\d+)?");
            assertThat(hello.get("keyPrefixes").toString()).isEqualTo("[\"ncc:\"]");
            assertThat(hello.get("claimAfter").asLong()).isEqualTo(5_000);
            assertThat(hello.get("receiverUrl").asString()).isEqualTo("https://checkins.example");
            JsonNode fine = hello.get("history").get("fine");
            assertThat(fine.get("accepted")).isNotEmpty();
            for (String series : List.of("applied", "behind", "pending")) {
                assertThat(fine.get(series)).as(series).hasSameSizeAs(fine.get("accepted"));
            }
            assertThat(later.events().get(1).name()).isEqualTo("sample");
        }
    }

    @Test
    void theTotalsRiseByWhatIsAppendedAndTheRatesReturnToZero() {
        stream.createGroup();
        append(1);
        try (LiveFollower page = open()) {
            JsonNode before = freshSample(page);
            append(500);
            redis.commands().hincrby(KEYS.totals(), "applied", 400);
            JsonNode after = next(
                    page,
                    "sample",
                    sample -> sample.get("accepted").asLong()
                                    == before.get("accepted").asLong() + 500
                            && group(sample, Keys.GROUP).get("applied").asLong() == 400);
            assertThat(after.get("length").asLong()).isEqualTo(501);
            List<JsonNode> samples = events(page, "sample");
            assertThat(sumOver(samples, "accepted")).isCloseTo(500, within(5.0));
            assertThat(sumOver(samples, "applied")).isCloseTo(400, within(5.0));
            next(
                    page,
                    "sample",
                    sample -> sample.at("/rates/accepted").asDouble(-1) == 0
                            && sample.at("/rates/applied").asDouble(-1) == 0);
        }
    }

    /** What the rates add up to. */
    private static double sumOver(List<JsonNode> samples, String rate) {
        double sum = 0;
        for (int i = 1; i < samples.size(); i++) {
            double seconds = (samples.get(i).get("time").asLong()
                            - samples.get(i - 1).get("time").asLong())
                    / 1000.0;
            sum += samples.get(i).get("rates").get(rate).asDouble(0) * seconds;
        }
        return sum;
    }

    @Test
    void theFiguresAreThoseOfTheOtherRoutes() {
        append(10);
        stream.createGroup();
        stream.createGroup("others", "0");
        stream.deliver("a", 3);
        stream.deliver("others", "b", 10);
        String first = stream.ids().get(0);
        stream.setAsidePending(first, "broken");
        redis.commands().hset(KEYS.totals(), Map.of("applied", "12", "skipped", "4"));
        try (LiveFollower page = open()) {
            JsonNode sample = freshSample(page);
            JsonNode known = api.get("/stream").json();
            for (String name : List.of("length", "firstId", "lastId", "deadLetters")) {
                assertThat(sample.get(name)).as(name).isEqualTo(known.get(name));
            }
            JsonNode own = group(sample, Keys.GROUP);
            assertThat(own.get("processor").asBoolean()).isTrue();
            assertThat(own.get("applied").asLong()).isEqualTo(12);
            assertThat(own.get("skipped").asLong()).isEqualTo(4);
            assertThat(own.get("dead").asLong()).isEqualTo(1);
            assertThat(own.get("checkpoint")).isEqualTo(known.get("checkpoint"));
            assertThat(own.get("behind").asLong())
                    .isCloseTo(known.get("oldestUnsettledAge").asLong(), within(3_000L));
            assertThat(own.get("pending").asLong()).isEqualTo(2);
            assertThat(own.get("consumers").toString())
                    .contains("\"name\":\"a\"")
                    .contains("\"pending\":2");
            assertThat(own.get("entries")
                            .valueStream()
                            .map(entry -> entry.get("id").asString()))
                    .containsExactlyElementsOf(stream.ids().subList(1, 3));
            JsonNode others = group(sample, "others");
            assertThat(others.get("processor").asBoolean()).isFalse();
            assertThat(others.get("applied").isNull()).isTrue();
            assertThat(others.get("checkpoint").isNull()).isTrue();
            assertThat(others.get("pending").asLong()).isEqualTo(10);
            assertThat(others.get("lag").asLong()).isZero();
            assertThat(others.get("behind").asLong()).isPositive();
        }
    }

    @Test
    void aGroupThatHasDoneEverythingIsNotBehind() {
        append(3);
        stream.createGroup();
        stream.createGroup("others", "$");
        stream.deliver("a", 3);
        stream.settleUpTo(stream.ids().get(2));
        try (LiveFollower page = open()) {
            JsonNode sample = freshSample(page);
            for (String name : List.of(Keys.GROUP, "others")) {
                assertThat(group(sample, name).get("behind").asLong(-1))
                        .as(name)
                        .isZero();
                assertThat(group(sample, name).get("drain").asLong(-1)).as(name).isZero();
            }
        }
    }

    @Test
    void whatIsDamagedIsNullAndNotZero() {
        append(1);
        stream.createGroup();
        redis.commands().set(KEYS.totals(), "no hash");
        redis.commands().set(KEYS.deadLetters(), "no stream");
        redis.commands().set(KEYS.checkpoint(), "no id");
        try (LiveFollower page = open()) {
            JsonNode sample = freshSample(page);
            assertThat(sample.get("deadLetters").isNull()).isTrue();
            JsonNode own = group(sample, Keys.GROUP);
            for (String name : List.of("applied", "skipped", "dead", "behind", "checkpoint")) {
                assertThat(own.get(name).isNull()).as(name).isTrue();
            }
            assertThat(nextSample(page).at("/rates/applied").isNull()).isTrue();

            redis.commands().set(KEYS.checkpoint(), "0-0");
            redis.commands().set(KEYS.settledRanges(), "no set");
            own = group(freshSample(page), Keys.GROUP);
            assertThat(own.get("checkpoint").asString()).isEqualTo("0-0");
            assertThat(own.get("behind").isNull()).isTrue();

            redis.commands().del(KEYS.totals());
            redis.commands().hset(KEYS.totals(), Map.of("applied", "99999999999999999999", "dead", "3"));
            own = group(freshSample(page), Keys.GROUP);
            assertThat(own.get("applied").isNull()).isTrue();
            assertThat(own.get("dead").asLong()).isEqualTo(3);
        }
    }

    @Test
    void aCounterOfRedisMayBeLarge() {
        append(1);
        if (redis.version().isAtLeast(7, 0)) { // older ones count nothing
            try (LiveFollower page = open()) {
                setAppended("100000000000000");
                assertThat(freshSample(page).get("accepted").asLong()).isEqualTo(100_000_000_000_000L);
                setAppended("9223372036854775807");
                assertThat(freshSample(page).get("available").asBoolean()).isTrue();
            }
        }
    }

    /** XSETID is not in Lettuce. */
    private static void setAppended(String count) {
        redis.commands()
                .eval(
                        "return redis.call('XSETID', KEYS[1], ARGV[1], 'ENTRIESADDED', ARGV[2], 'MAXDELETEDID', '0-0')",
                        ScriptOutputType.STATUS,
                        new String[] {KEYS.checkins()},
                        stream.ids().get(0),
                        count);
    }

    @Test
    void aStreamThatIsNoneIsDamageAndNoOutageOfRedis() {
        redis.commands().set(KEYS.checkins(), "x");
        try (LiveFollower page = open()) {
            JsonNode outage =
                    next(page, "sample", sample -> !sample.get("available").asBoolean());
            assertThat(outage.get("reason").asString()).isEqualTo("WRONG_TYPE");
        }
    }

    @Test
    void howeverManyThereAreASampleIsBounded() {
        append(200);
        stream.createGroup();
        for (int i = 0; i < 150; i++) {
            stream.deliver("consumer" + i, 1);
        }
        for (int i = 0; i < 25; i++) {
            stream.createGroup("group" + i, "$");
        }
        try (LiveFollower page = open()) {
            JsonNode sample = freshSample(page);
            assertThat(sample.get("groups")).hasSize(20);
            assertThat(sample.get("moreGroups").asLong()).isEqualTo(6);
            JsonNode own = group(sample, Keys.GROUP);
            assertThat(own.get("consumers")).hasSize(100);
            assertThat(own.get("moreConsumers").asLong()).isEqualTo(50);
            assertThat(own.get("entries")).hasSize(50);
            assertThat(own.get("pending").asLong()).isEqualTo(150);
        }
    }

    @Test
    void whileRedisIsAwayThereIsAGapAndItIsLiveAgainWithinFiveSeconds() {
        append(1);
        try (LiveFollower page = open()) {
            next(page, "sample", sample -> sample.get("available").asBoolean());
            redis.stop();
            JsonNode outage =
                    next(page, "sample", sample -> !sample.get("available").asBoolean());
            assertThat(outage.get("time").isNull()).isTrue();
            assertThat(outage.get("since").asLong()).isCloseTo(System.currentTimeMillis(), within(5_000L));
            nextSample(page);
            redis.start();
            long start = System.nanoTime();
            JsonNode back =
                    next(page, "sample", sample -> sample.get("available").asBoolean());
            assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(5));
            assertThat(back.at("/rates/accepted").isNull()).isTrue();
            nextSample(page);
            nextSample(page);
            JsonNode rates = api.get("/console/sample").json().at("/hello/history/fine/accepted");
            int last = rates.size() - 1;
            while (last > 0 && !rates.get(last).isNull()) {
                last--;
            }
            assertThat(last).as("a gap in " + rates).isPositive();
        }
    }

    @Test
    void twentyPagesCostRedisAsMuchAsOne() {
        append(10);
        List<LiveFollower> pages = new ArrayList<>(List.of(open()));
        try {
            long one = commandsOfSamples(pages.get(0), 6);
            while (pages.size() < MOST) {
                pages.add(open());
            }
            long twenty = commandsOfSamples(pages.get(0), 6);
            assertThat(twenty).isCloseTo(one, within(Math.max(one / 20, 3)));
            assertThat(pages)
                    .allSatisfy(page -> assertThat(events(page, "sample")).hasSizeGreaterThanOrEqualTo(6));
        } finally {
            pages.forEach(LiveFollower::close);
        }
    }

    private static long commandsOfSamples(LiveFollower page, int samples) {
        nextSample(page);
        int before = events(page, "sample").size();
        long commands = commands();
        eventually(() -> events(page, "sample").size() >= before + samples);
        return commands() - commands;
    }

    /** How many commands Redis has run since it was started, also in scripts. */
    private static long commands() {
        return redis.commands()
                .info("commandstats")
                .lines()
                .filter(line -> line.startsWith("cmdstat_"))
                .mapToLong(line -> Long.parseLong(line.substring(line.indexOf("calls=") + 6, line.indexOf(','))))
                .sum();
    }

    @Test
    void thereIsALimitOfPages() {
        List<LiveFollower> pages =
                new ArrayList<>(Stream.generate(ConsoleIT::open).limit(MOST).toList());
        try {
            HttpAnswer refused = api.get("/console/events");
            assertThat(refused.status()).isEqualTo(503);
            assertThat(refused.problemType()).isEqualTo("too-many-listeners");
            assertThat(api.get("/console/sample").status()).isEqualTo(200);
            try (LiveFollower other = api.follow()) {
                assertThat(other.hasEnded()).isFalse(); // those who follow the stream are counted apart
            }
            pages.remove(0).close();
            eventually(() -> api.metric("checkin_api_pages") == MOST - 1);
            pages.add(open());
        } finally {
            pages.forEach(LiveFollower::close);
        }
    }

    @Test
    void aClaimNamesBothConsumersAndTheDelivery() {
        stream.createGroup();
        String id = stream.add(1, 1, 1);
        stream.deliver("a", 1);
        try (LiveFollower page = open()) {
            freshSample(page);
            redis.commands().xclaim(KEYS.checkins(), Consumer.from(Keys.GROUP, "b"), new XClaimArgs(), id);
            eventually(() -> !events(page, "claim").isEmpty());
            JsonNode claim = events(page, "claim").get(0);
            assertThat(claim.get("group").asString()).isEqualTo(Keys.GROUP);
            assertThat(claim.get("id").asString()).isEqualTo(id);
            assertThat(claim.get("from").asString()).isEqualTo("a");
            assertThat(claim.get("to").asString()).isEqualTo("b");
            assertThat(claim.get("deliveries").asLong()).isEqualTo(2);
            nextSample(page);
            assertThat(events(page, "claim")).hasSize(1);
            try (LiveFollower later = open()) {
                eventually(() -> later.count() >= 2);
                JsonNode known = events(later, "hello").get(0).get("claims");
                assertThat(known.get(known.size() - 1)).isEqualTo(claim);
                assertThat(events(later, "claim")).isEmpty();
            }
        }
    }

    @Test
    void ofManyClaimsTheLastAreKeptForPagesThatAreOpenedLater() {
        stream.createGroup();
        append(30);
        stream.deliver("a", 30);
        String[] ids = stream.ids().toArray(String[]::new);
        try (LiveFollower page = open()) {
            freshSample(page);
            redis.commands().xclaim(KEYS.checkins(), Consumer.from(Keys.GROUP, "b"), new XClaimArgs(), ids);
            eventually(() -> events(page, "claim").size() == 30);
        }
        JsonNode claims = api.get("/console/sample").json().at("/hello/claims");
        assertThat(claims.valueStream().map(claim -> claim.get("id").asString()))
                .containsExactlyElementsOf(stream.ids().subList(10, 30));
    }

    @Test
    void newDeadLettersAreTold() {
        stream.createGroup();
        List<String> ids = List.of(stream.addOther(), stream.addOther(), stream.addOther());
        stream.setAside(ids.get(0), "old");
        try (LiveFollower page = open()) {
            freshSample(page);
            int before = events(page, "dead").size(); // the old one may have been new to the server
            stream.setAside(ids.subList(1, 3), "<img onerror>");
            eventually(() -> events(page, "dead").size() > before);
            JsonNode dead = events(page, "dead").get(before);
            assertThat(dead.get("count").asLong()).isEqualTo(2);
            assertThat(dead.at("/newest/reason").asString()).isEqualTo("<img onerror>");
            assertThat(dead.at("/newest/originalId").asString()).isEqualTo(ids.get(2));
            assertThat(dead.at("/newest/group").asString()).isEqualTo(Keys.GROUP);
            assertThat(api.get("/dead-letters/" + dead.at("/newest/id").asString())
                            .status())
                    .isEqualTo(200);
        }
    }

    @Test
    void theDeadLettersOfBothGroupsAreToldAndCounted() {
        stream.createGroup();
        stream.createGroup(Keys.BOARDS_GROUP, "0");
        List<String> ids = List.of(stream.addOther(), stream.addOther());
        stream.setAside(ids.get(0), "of the totals");
        try (LiveFollower page = open()) {
            assertThat(freshSample(page).get("deadLetters").asLong()).isEqualTo(1);
            int before = events(page, "dead").size();
            String letter = stream.setAside(ProjectionGroup.BOARDS, ids.get(1), "of the boards");
            eventually(() -> events(page, "dead").size() > before);
            JsonNode newest = events(page, "dead").get(before).get("newest");
            assertThat(newest.get("group").asString()).isEqualTo(Keys.BOARDS_GROUP);
            assertThat(newest.get("id").asString()).isEqualTo(letter);
            JsonNode sample = freshSample(page);
            assertThat(sample.get("deadLetters").asLong()).isEqualTo(2);
            assertThat(group(sample, Keys.GROUP).get("deadLetters").asLong()).isEqualTo(1);
            assertThat(group(sample, Keys.BOARDS_GROUP).get("deadLetters").asLong())
                    .isEqualTo(1);
        }
    }

    @Test
    void ofManyCheckinsSomeAreShownAndAllAreCounted() {
        stream.add(1, 1, 1);
        try (LiveFollower page = open()) {
            eventually(() -> page.count() >= 2);
            String marker = stream.add(789, 171, 5);
            JsonNode feed = feedWith(page, marker);
            assertThat(feed.get("items")
                            .get(feed.get("items").size() - 1)
                            .get("userId")
                            .asLong())
                    .isEqualTo(789);
            int before = events(page, "feed").size();
            append(3_000);
            String last = stream.add(2, 2, 2);
            feedWith(page, last);
            List<JsonNode> feeds = events(page, "feed");
            List<JsonNode> since = feeds.subList(before, feeds.size());
            long all = since.stream()
                    .mapToLong(each ->
                            each.get("items").size() + each.get("passedOver").asLong())
                    .sum();
            assertThat(all).isEqualTo(3_001);
        }
    }

    private static JsonNode feedWith(LiveFollower page, String id) {
        return await().atMost(Duration.ofSeconds(20))
                .pollInterval(Duration.ofMillis(10))
                .until(
                        () -> events(page, "feed").stream()
                                .filter(feed -> feed.toString().contains('"' + id + '"'))
                                .findFirst()
                                .orElse(null),
                        Objects::nonNull);
    }

    @Test
    void aPageThatPollsIsToldTheSame() {
        append(2);
        HttpAnswer answer = await().atMost(Duration.ofSeconds(20))
                .until(
                        () -> api.get("/console/sample"),
                        polled -> polled.json().at("/sample/length").asLong() == 2);
        assertThat(answer.header("Cache-Control")).isEqualTo("no-store");
        assertThat(answer.json().get("hello").get("sampleMs").asLong()).isEqualTo(1_000);
        @Nullable String type = answer.header("Content-Type");
        assertThat(type).isEqualTo("application/json");
    }

    @Test
    void theServiceStopsPromptlyWithPagesOpen() {
        ApiServer server = ApiServer.start(redis);
        LiveFollower page = LiveFollower.follow(server.url("/console/events"), null);
        eventually(() -> page.count() >= 2);
        long start = System.nanoTime();
        server.close();
        assertThat(Duration.ofNanos(System.nanoTime() - start)).isLessThan(Duration.ofSeconds(6));
        eventually(page::hasEnded);
    }
}
