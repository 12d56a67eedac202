package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.security.TokenDigests;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.math.BigDecimal;
import java.math.RoundingMode;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.interactions.Actions;
import tools.jackson.databind.JsonNode;

/**
 * The console in a browser, with all services and a real Redis behind it. {@code -Dconsole.patience=1} holds it to the limits of a machine that does nothing
 * else; {@code -Dconsole.seconds=30 -Dconsole.batches=10} is the long form of the load.
 */
@Timeout(120)
final class ConsoleIT {

    /** Other tests run at the same time: limits of time are that many times longer. */
    private static final int PATIENCE = Integer.getInteger("console.patience", 3);

    private static final int LOAD_SECONDS = Integer.getInteger("console.seconds", 3);
    private static final int LOAD_BATCH = 1000;
    private static final int LOAD_BATCHES_A_SECOND = Integer.getInteger("console.batches", 5);

    private static final int MOST_BYTES = 150_000;
    private static final String CAN_REPLAY_ALL =
            "[...document.querySelectorAll('button')].some(button => button.textContent === 'Replay all…'"
                    + " && button.checkVisibility())";
    private static final String IS_LIVE = "document.querySelector('#connection')?.textContent === 'live'";
    private static final String MARKUP = "<img src=x onerror=\"document.title='owned'\">";

    /** The number in the text of the first element of a selector; null if there is none. */
    private static final String NUMBER =
            "const digits = document.querySelector(arguments[0]).textContent.replace(/[^0-9.]/g, '');"
                    + " return digits ? Math.round(Number(digits)) : null;";

    private static final String ACCEPTED = ".figure:nth-of-type(2) small";
    private static final String APPLIED = ".figure:nth-of-type(3) small";

    /** Defines functions that find the pixels of a canvas: of the line of what was applied, which is green, and of pulses, which are orange. */
    private static final String PIXELS = """
            const pixels = (canvas, matches) => {
              const {data} = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
              const found = [];
              for (let i = 0; i < data.length; i += 4) {
                if (data[i + 3] > 60 && matches(data[i], data[i + 1], data[i + 2])) {
                  found.push({x: i / 4 % canvas.width, y: Math.floor(i / 4 / canvas.width)});
                }
              }
              return found;
            };
            const green = canvas => pixels(canvas, (red, green, blue) => green > red + 60 && green > blue + 20);
            const orange = canvas => pixels(canvas, (red, green, blue) => red > green + 40 && red > blue + 50);
            """;

    private static final Keys KEYS = Keys.unpartitioned();

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static Services services;
    private static Browser browser;

    @BeforeAll
    static void start() {
        services = new Services(redis.uri(), "--checkin.api.claim-after=2s");
        services.startProcessor("--logging.level.io.ncc.engine.DeadLetters=off"); // it logs each
        browser = Browser.start();
    }

    @AfterAll
    static void stop() {
        if (browser != null) {
            browser.close();
        }
        services.close();
    }

    @BeforeEach
    void fresh() {
        browser.messages().clear();
        browser.resize(1280, 900);
        browser.prefer(Map.of("prefers-color-scheme", "light"));
    }

    @AfterEach
    void away() {
        browser.open("about:blank");
    }

    private static Duration within(double seconds) {
        return Duration.ofMillis((long) (1000 * seconds * PATIENCE));
    }

    private static void openLive(String view) {
        openLive(services.api(), view);
    }

    private static void openLive(String server, String view) {
        browser.open("about:blank"); // a change of the part after # alone would load nothing
        browser.open(server + "/" + view);
        browser.awaitTrue(IS_LIVE);
    }

    @Test
    void aColdPageIsLiveAtOnceAndSmallAndAsksOnlyItsOwnServer() throws IOException {
        awaitSample(sample -> sample.get("length").asLong() == 0);
        services.post(100);
        awaitSample(sample -> sample.get("accepted").asLong() == 100);
        browser.driver().executeCdpCommand("Network.clearBrowserCache", Map.of());

        openLive("");

        double millis = browser.<Number>run("return performance.now()").doubleValue();
        assertThat(millis).isLessThan(2000.0 * PATIENCE);
        browser.awaitTrue("document.querySelector('.figure.headline b').textContent.endsWith(' s')");
        browser.awaitTrue("document.querySelectorAll('.plot canvas').length === 2");
        assertThat(browser.<String>run("return document.querySelector('.plot').ariaLabel"))
                .as("the history of before")
                .containsPattern("accepted now \\S+, highest [1-9]")
                .containsPattern("applied now \\S+, highest [1-9]");
        assertThat(browser.<Number>run(PIXELS + "return green(document.querySelector('.plot canvas')).length")
                        .intValue())
                .as("the pixels of its line")
                .isGreaterThan(10);

        List<String> loaded = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
        assertThat(loaded).hasSizeGreaterThan(20).allMatch(url -> url.startsWith(services.api() + "/"));
        long bytes = compressed(services.api() + "/");
        for (String file : loaded) {
            if (!file.contains("/console/")) {
                bytes += compressed(file);
            }
        }
        assertThat(bytes).isBetween(10_000L, (long) MOST_BYTES);
        browser.assertQuiet(); // also about what the content security policy forbids

        browser.open(services.api() + "/docs");
        browser.awaitText("API server");
        browser.assertQuiet();
    }

    /** Waits until the server knows the state of Redis. Who asks also keeps it looking each second. */
    private static JsonNode awaitSample(Predicate<JsonNode> wanted) {
        return await().until(
                        () -> HttpAnswer.get(services.api() + "/console/sample")
                                .json()
                                .get("sample"),
                        sample -> sample.get("available").asBoolean() && wanted.test(sample));
    }

    private static long compressed(String url) throws IOException {
        var bytes = new ByteArrayOutputStream();
        try (InputStream in = URI.create(url).toURL().openStream();
                OutputStream out = new GZIPOutputStream(bytes)) {
            in.transferTo(out);
        }
        return bytes.size();
    }

    @Test
    void whatIsPostedIsCountedExactlyAndTheRateIsZeroAgain() {
        openLive("");
        services.post(1);
        awaitNumber(ACCEPTED, 1);
        awaitNumber(APPLIED, 1);

        services.post(5000);

        awaitNumber(ACCEPTED, 5001);
        awaitNumber(APPLIED, 5001);
        JsonNode stream = HttpAnswer.get(services.api() + "/stream").json();
        assertThat(stream.get("length").asLong()).isEqualTo(5001);
        assertThat(stream.get("totals").get("applied").asLong()).isEqualTo(5001);
        browser.click("As a table");
        browser.awaitTrue("document.querySelectorAll('.chart tbody tr').length > 0");
        browser.click("Do it yourself");
        browser.awaitTrue(
                "[...document.querySelectorAll('code')].some(code =>"
                        + " /^redis-cli( -p [0-9]+)? XPENDING ncc:checkins checkinConsumers - \\+ 10$/.test(code.textContent))");
        browser.awaitTrue(
                within(15),
                "[2, 3].every(i => document.querySelector(`.figure:nth-of-type(${i}) b`).textContent === '0')");
        browser.assertQuiet();
    }

    private static void awaitNumber(String selector, long expected) {
        await().atMost(within(5))
                .untilAsserted(
                        () -> assertThat(browser.<Number>run(NUMBER, selector)).isEqualTo(expected));
    }

    @Test
    void aBrokenEntryIsTextAndIsReplayedOnce() {
        openLive("#/dead-letters");
        redis.commands().xadd(KEYS.checkins(), Map.of("userId", MARKUP, "locationId", "1", "starRating", "5"));
        browser.awaitTrue(within(3), "document.querySelector('tbody button.link')");
        browser.click(browser.text("tbody button.link"));
        browser.awaitTrue("document.querySelector('dialog').innerText.includes(arguments[0])", MARKUP);
        String letter = onlyLetter();

        press(org.openqa.selenium.Keys.ESCAPE);
        browser.awaitTrue("!document.querySelector('dialog')");
        assertThat(onlyLetter()).isEqualTo(letter);

        String first = browser.driver().getWindowHandle();
        browser.click(browser.text("tbody button.link"));
        browser.click("Replay…");
        assertThat(onlyLetter()).isEqualTo(letter); // not yet confirmed
        browser.driver().switchTo().newWindow(WindowType.TAB);
        try {
            openLive("#/dead-letters/" + letter);
            browser.click("Replay…");
            browser.click("Replay");
            browser.awaitTrue("document.querySelector('dialog .done')?.textContent.startsWith('Replayed.')");
            String entry = browser.text("dialog .done a");
            assertThat(redis.commands()
                            .xrange(KEYS.checkins(), Range.create(entry, entry))
                            .get(0)
                            .getBody())
                    .containsEntry("userId", MARKUP);
        } finally {
            browser.driver().close();
            browser.driver().switchTo().window(first);
        }
        browser.click("Replay");
        browser.awaitTrue("document.querySelector('dialog .done')?.textContent.startsWith('It was already replayed')");
        assertThat(browser.driver().getTitle()).startsWith("Dead letters");
        assertThat(browser.<Boolean>run("return document.querySelector('img[src=x]') === null"))
                .isTrue();
        assertThat(browser.messages()).allMatch(message -> message.contains("404"));
    }

    private static String onlyLetter() {
        List<String> letters = redis.commands().xrange(KEYS.deadLetters(), Range.unbounded()).stream()
                .map(message -> message.getId())
                .toList();
        assertThat(letters).hasSize(1);
        return letters.get(0);
    }

    @Test
    void theDeadLettersOfEachGroupAreShown() {
        openLive("#/dead-letters");
        die(2);
        browser.awaitTrue(within(3), "document.querySelectorAll('.letters tbody tr').length === 2");
        String ofTotals = onlyLetterIn(KEYS.deadLetters());
        browser.click("checkinBoards 2");
        browser.awaitTrue(
                "document.querySelector('.choice [aria-pressed=true]')?.textContent.startsWith('checkinBoards')");
        browser.awaitTrue(within(3), "document.querySelectorAll('.letters tbody tr').length === 2");
        browser.click(browser.text("tbody button.link"));
        browser.awaitTrue("document.querySelector('dialog')?.innerText.includes('checkinBoards')");
        browser.click("Discard…");
        browser.click("Discard");
        browser.awaitTrue("document.querySelector('dialog .done')?.textContent === 'Discarded.'");
        assertThat(redis.commands().xlen(KEYS.boardsDeadLetters())).isEqualTo(1);
        assertThat(onlyLetterIn(KEYS.deadLetters())).isEqualTo(ofTotals);
        browser.click("Close");
        browser.click("Replay all…");
        browser.click("Replay all");
        browser.awaitText("1 dead letter replayed.");
        browser.assertQuiet();
    }

    private static String onlyLetterIn(String stream) {
        return redis.commands().xrange(stream, Range.unbounded()).toString();
    }

    @Test
    void aRowUnderThePointerStaysWhereItIs() {
        openLive("#/dead-letters");
        die(60);
        browser.awaitTrue(within(5), "document.querySelectorAll('tbody button.link').length >= 50");
        WebElement button = browser.run("return [...document.querySelectorAll('button.link')][5]");
        String id = browser.run("return arguments[0].closest('tr').patchKey", button);
        new Actions(browser.driver()).moveToElement(button).perform();
        int before = button.getRect().y;
        long start = System.nanoTime();
        for (int dead = 0; dead < 100 * LOAD_SECONDS; dead += 10) {
            die(10);
            long ahead =
                    dead * 10L - Duration.ofNanos(System.nanoTime() - start).toMillis();
            browser.runAsync("await new Promise(resolve => setTimeout(resolve, arguments[0]))", Math.max(0, ahead));
            assertThat(button.getRect().y).isEqualTo(before);
        }
        browser.awaitTrue(within(3), "document.querySelector('.news').checkVisibility()");
        assertThat(button.getRect().y).isEqualTo(before);
        new Actions(browser.driver()).click().perform();
        browser.awaitTrue("document.querySelector('dialog')?.innerText.includes(arguments[0])", id);
    }

    private static void die(int entries) {
        for (int i = 0; i < entries; i++) {
            redis.commands().xadd(KEYS.checkins(), Map.of("userId", "none", "locationId", "1", "starRating", "5"));
        }
    }

    @Test
    void theRankingsAreThoseOfTheApi() {
        services.load();
        services.post(3000, new Random(3)); // by stars, only locations with ten checkins are ranked
        awaitSample(sample -> sample.get("groups")
                .valueStream()
                .anyMatch(group -> group.get("name").asString().equals(Keys.BOARDS_GROUP)
                        && group.get("applied").asLong() == 3000));
        openLive("#/rankings");
        assertRanking("Users", "users/top?window=all&limit=10", "numCheckins");
        assertRanking("Locations by checkins", "locations/top?by=checkins&window=all&limit=10", "numCheckins");
        assertRanking("Locations by stars, of all time", "locations/top?by=stars&limit=10", "average");
        browser.click("24 hours");
        assertRanking("Users", "users/top?window=24h&limit=10", "numCheckins");
        browser.assertQuiet();
    }

    private static void assertRanking(String title, String path, String figure) {
        List<String> expected = HttpAnswer.get(services.api() + "/" + path)
                .json()
                .get("items")
                .valueStream()
                .map(item -> item.get("id").asString()
                        + ' '
                        + new BigDecimal(item.get(figure).asDouble()).setScale(1, RoundingMode.HALF_UP))
                .toList();
        assertThat(expected).hasSize(10);
        await().untilAsserted(
                        () -> assertThat(browser.<List<String>>run("""
                        const panel = [...document.querySelectorAll('.panel')].find(panel => panel.querySelector('h2').textContent === arguments[0]);
                        return [...panel.querySelectorAll('tbody tr')].map(row =>
                          row.querySelector('a').hash.split('/').at(-1) + ' ' + Number(row.lastElementChild.textContent).toFixed(1));
                        """, title)).isEqualTo(expected));
    }

    @Test
    void theDotOfACheckinPulsesWhereItIsAndStaysStillForThoseWhoWantThat() {
        services.load();
        openLive("#/map/171");
        browser.awaitText("200 places");
        assertThat(pulse())
                .containsEntry("isInTheMiddle", true) // as the map is around the place
                .containsEntry("moves", true);

        browser.prefer(Map.of("prefers-color-scheme", "light", "prefers-reduced-motion", "reduce"));
        assertThat(pulse()).containsEntry("moves", false);

        browser.prefer(Map.of("prefers-color-scheme", "light"));
        assertThat(pulse()).containsEntry("moves", true);
        browser.click("Pause");
        browser.awaitTrue("(() => {" + PIXELS + "return !orange(document.querySelector('canvas')).length})()");
        assertThat(browser.messages()).allMatch(message -> message.contains("willReadFrequently")); // this test does so
    }

    /** Sends a checkin at the place 171 from the page and watches the map: where in it the pulse is, and whether it moves. */
    private static Map<String, Object> pulse() {
        return browser.runAsync(PIXELS + """
                const canvas = document.querySelector('.mapbox canvas');
                const later = milliseconds => new Promise(resolve => setTimeout(resolve, milliseconds));
                for (;;) {
                  await fetch('console/checkins', {method: 'POST', headers: {'Content-Type': 'application/json'},
                    body: JSON.stringify({userId: 1, locationId: 171, starRating: 5})});
                  while (!orange(canvas).length) {
                    await later(20);
                  }
                  await later(300);
                  const before = canvas.toDataURL();
                  const dots = orange(canvas);
                  await later(200);
                  const after = canvas.toDataURL();
                  if (orange(canvas).length) { // else the machine was too slow to see it twice
                    const mean = axis => dots.reduce((sum, dot) => sum + dot[axis], 0) / dots.length;
                    return {
                      isInTheMiddle: Math.abs(mean('x') / canvas.width - 0.5) < 0.02 && Math.abs(mean('y') / canvas.height - 0.5) < 0.02,
                      moves: after !== before,
                    };
                  }
                }
                """);
    }

    @Test
    void manyCheckinsKeepThePageCalm() {
        openLive("#/feed");
        browser.run("""
                window.tasks = [];
                new PerformanceObserver(list => tasks.push(...list.getEntries().map(entry => entry.duration))).observe({type: 'longtask'});
                """);
        services.post(LOAD_BATCH);
        await().until(() -> browser.<Number>run("return document.querySelectorAll('.feed li').length")
                        .intValue()
                >= 10);
        long heap = heap();
        int sent = LOAD_BATCH;
        long start = System.nanoTime();
        for (int i = 1; i <= LOAD_SECONDS * LOAD_BATCHES_A_SECOND; i++) {
            services.post(LOAD_BATCH);
            sent += LOAD_BATCH;
            long ahead = 1000L * i / LOAD_BATCHES_A_SECOND
                    - Duration.ofNanos(System.nanoTime() - start).toMillis();
            browser.runAsync("await new Promise(resolve => setTimeout(resolve, arguments[0]))", Math.max(0, ahead));
        }
        assertThat(Duration.ofNanos(System.nanoTime() - start))
                .as("time of %d checkins", sent - LOAD_BATCH)
                .isLessThan(Duration.ofMillis(1100L * LOAD_SECONDS * PATIENCE));
        int all = sent;
        await().atMost(within(5))
                .untilAsserted(() -> assertThat(shownAndPassed()).isEqualTo(all));
        assertThat(browser.<List<Number>>run("return tasks")).allMatch(task -> task.doubleValue() < 200.0 * PATIENCE);
        assertThat(heap() - heap).isLessThan(20_000_000);
        assertThat(browser.<Number>run("return document.querySelectorAll('*').length")
                        .intValue())
                .isLessThan(2000);
        browser.assertQuiet();
    }

    private static long heap() {
        browser.driver().executeCdpCommand("HeapProfiler.collectGarbage", Map.of());
        return browser.<Number>run("return performance.memory.usedJSHeapSize").longValue();
    }

    private long shownAndPassed() {
        return browser.<Number>run("""
                return document.querySelector('.extra .note').textContent.replaceAll(',', '').match(/\\d+/g)
                  .reduce((sum, number) => sum + Number(number), 0);
                """).longValue();
    }

    @Test
    void eightTabsLoadAndHiddenOnesLetGoAndAreLiveAgainWhenTheyAreSeen() {
        String first = browser.driver().getWindowHandle();
        List<String> tabs = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                tabs.add(browser.driver().switchTo().newWindow(WindowType.TAB).getWindowHandle());
                browser.open(services.api() + "/");
                browser.awaitTrue(IS_LIVE);
                browser.run("window.sameAsBefore = true");
            }
            await().atMost(within(15))
                    .untilAsserted(() -> assertThat(openPages()).isEqualTo(1));
            services.post(500);
            awaitNumber(APPLIED, 500);

            browser.driver().switchTo().window(tabs.get(0));
            browser.driver().executeCdpCommand("Page.bringToFront", Map.of());
            browser.awaitTrue(within(5), IS_LIVE + " && document.querySelector('#banner').hidden");
            awaitNumber(APPLIED, 500);
            assertThat(historyOf("applied")).as("what it missed").anyMatch(rate -> rate != null && rate > 0);
            assertThat(browser.<Boolean>run("return window.sameAsBefore")).isTrue();
        } finally {
            for (String tab : tabs) {
                browser.driver().switchTo().window(tab).close();
            }
            browser.driver().switchTo().window(first);
        }
    }

    private static double openPages() {
        return HttpAnswer.get(services.api() + "/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith("checkin_api_pages"))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .sum();
    }

    /** What the charts of the page are drawn from: the last ten minutes, each second; null is a gap. */
    private static List<Double> historyOf(String line) {
        List<Number> values = browser.runAsync(
                "return (await import(new URL('js/live.js', document.baseURI))).live.fine[arguments[0]]", line);
        return values.stream()
                .map(value -> value == null ? null : Double.valueOf(value.doubleValue()))
                .toList();
    }

    @Test
    void anOutageIsABannerAndAGapAndThenThePageIsLiveAgain() {
        services.post(10);
        openLive("");
        browser.run("window.sameAsBefore = true");
        browser.awaitTrue("document.querySelector('.state').dataset.level === 'good'");

        redis.stop();
        browser.awaitTrue(within(3), "document.querySelector('#banner').innerText.startsWith('Redis is away')");
        browser.awaitTrue("document.querySelector('.state h1').textContent === 'Redis is away'");
        browser.awaitTrue("document.querySelector('.figure b').closest('[data-stale]')");
        redis.start();
        browser.awaitTrue(within(5), "document.querySelector('#banner').hidden");
        browser.awaitTrue(within(5), "document.querySelector('.state').dataset.level === 'good'");
        await().untilAsserted(() -> {
            List<Double> accepted = historyOf("accepted");
            int gap = accepted.lastIndexOf(null);
            assertThat(gap).as("a gap in %s", accepted).isBetween(1, accepted.size() - 2);
            assertThat(accepted.subList(0, gap)).anyMatch(rate -> rate != null);
        });

        services.restartApi(() -> {
            browser.awaitTrue(within(3), "document.querySelector('#banner').innerText.includes('API server')");
            browser.awaitTrue("document.querySelector('.state').dataset.level === 'unknown'");
            browser.awaitTrue("document.querySelector('.figure b').closest('[data-stale]')");
        });
        browser.awaitTrue(within(5), "document.querySelector('#banner').hidden && " + IS_LIVE);
        browser.awaitTrue("!document.querySelector('[data-stale]')");
        assertThat(browser.<Boolean>run("return window.sameAsBefore")).isTrue();
    }

    @Test
    void whereEventsAreRefusedThePagePollsAndTriesAgainLater() {
        browser.driver().executeCdpCommand("Network.enable", Map.of());
        browser.driver().executeCdpCommand("Network.setBlockedURLs", Map.of("urls", List.of("*/console/events")));
        try {
            openPolling();
        } finally {
            browser.driver().executeCdpCommand("Network.setBlockedURLs", Map.of("urls", List.of()));
        }
        browser.run("const now = Date.now; Date.now = () => now() + 60_000"); // for so long it polls
        browser.awaitTrue(within(3), IS_LIVE);
        services.post(1);
        browser.awaitTrue("document.querySelectorAll('.feed li').length > 0");
    }

    @Test
    void whereEventsAreHeldBackThePagePolls() {
        browser.driver()
                .executeCdpCommand(
                        "Fetch.enable",
                        Map.of("patterns", List.of(Map.of("urlPattern", "*/console/events")))); // and no answer ever
        try {
            openPolling();
            browser.run("const now = Date.now; Date.now = () => now() + 60_000");
            Boolean alarmed = browser.runAsync("""
                    const banner = document.querySelector('#banner');
                    for (let i = 0; i < 60; i++) {
                      await new Promise(resolve => setTimeout(resolve, 50));
                      if (!banner.hidden) {
                        return true;
                      }
                    }
                    return false;
                    """);
            assertThat(alarmed).as("while it tries again").isFalse();
        } finally {
            browser.driver().executeCdpCommand("Fetch.disable", Map.of());
        }
    }

    private static void openPolling() {
        browser.open(services.api() + "/");
        browser.awaitTrue(within(5 + 2), "document.querySelector('#connection')?.textContent === 'live, by polling'");
        services.post(100);
        awaitNumber(APPLIED, 100);
        assertThat(browser.<Boolean>run("return document.querySelector('#banner').hidden"))
                .isTrue();
        browser.awaitText("Checkins don't get through to this page.");
    }

    @Test
    void allWorksByKeyboard() {
        die(1);
        openLive("#/dead-letters");
        browser.awaitTrue(within(3), "document.querySelector('tbody button.link')");
        tabTo("Find");
        type("user 789", org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("location.hash === '#/users/789'");
        browser.run("history.back()");
        browser.awaitTrue("document.querySelector('tbody button.link')");
        String reason = browser.text("tbody button.link");
        browser.run("document.activeElement.blur()");
        tabTo(reason);
        press(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.querySelector('dialog')");
        tabTo("Discard…");
        press(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.activeElement.textContent === 'Discard'");
        press(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.querySelector('dialog .done')?.textContent === 'Discarded.'");
        press(org.openqa.selenium.Keys.ESCAPE);
        await().until(() -> redis.commands().xlen(KEYS.deadLetters()) == 0);

        browser.run("document.activeElement.blur()");
        tabTo("Live feed");
        press(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.querySelector('h1').textContent === 'Live feed'");
        tabTo("Send a checkin");
        press(org.openqa.selenium.Keys.ENTER);
        tabTo("Send");
        press(org.openqa.selenium.Keys.ENTER);
        browser.awaitText("Applied: it is in the totals");
        tabTo("Pause");
        press(org.openqa.selenium.Keys.SPACE);
        browser.awaitTrue("document.querySelector('#connection').textContent === 'paused'");
    }

    private static void press(CharSequence key) {
        type(key);
    }

    private static void type(CharSequence... keys) {
        new Actions(browser.driver()).sendKeys(keys).perform();
    }

    /** Presses Tab until what has the focus begins with this text or label. */
    private static void tabTo(String label) {
        for (int i = 0; i < 60; i++) {
            press(org.openqa.selenium.Keys.TAB);
            if (Boolean.TRUE.equals(browser.run(
                    "const on = document.activeElement; return (on.ariaLabel ?? on.textContent).startsWith(arguments[0])",
                    label))) {
                return;
            }
        }
        throw new AssertionError("Tab doesn't reach " + label);
    }

    @Test
    void aPausedFeedCountsWhatComesAndShowsItAfterwards() {
        openLive("#/feed");
        browser.click("Pause");
        services.post(30);
        browser.awaitTrue("document.querySelector('.news').checkVisibility()");
        assertThat(browser.<Number>run("return document.querySelectorAll('.feed li').length")
                        .intValue())
                .isZero();
        browser.click("Go on");
        browser.awaitTrue("document.querySelectorAll('.feed li').length >= 10");
    }

    @Test
    void aFeedBeginsWithTheNewestCheckinsThatThereAre() {
        services.post(20);
        await().until(() -> redis.commands().xlen(KEYS.checkins()) == 20);
        openLive("#/feed");
        browser.awaitTrue("document.querySelectorAll('.feed li').length === 10");
        String newest = HttpAnswer.get(services.api() + "/checkins/latest")
                .json()
                .get("id")
                .asString();
        assertThat(browser.<String>run("return document.querySelector('.feed .trace').hash"))
                .isEqualTo("#/checkins/" + newest);
    }

    @Test
    void readOnlyShowsNoControls() {
        die(1);
        openLive("#/dead-letters");
        browser.awaitTrue(CAN_REPLAY_ALL);
        try (Services.Api api = services.startApi("--checkin.api.read-only=true")) {
            openLive(api.url(), "#/feed");
            browser.awaitTrue("document.querySelector('#version').textContent.includes('read-only')");
            assertThat(controls()).isEmpty();
            openLive(api.url(), "#/dead-letters");
            browser.awaitTrue("document.querySelector('tbody button.link')");
            browser.click(browser.text("tbody button.link"));
            browser.awaitTrue("document.querySelector('dialog')");
            assertThat(controls()).isEmpty();
            String refused = browser.runAsync(
                    "return (await (await fetch('dead-letters/replay', {method: 'POST'})).json()).type");
            assertThat(refused).endsWith("read-only");
        }
    }

    @Test
    void aTokenIsAskedForOnceAndItsRolesDecideWhatIsShown() {
        die(1);
        try (Services.Api api = services.startApi(
                tokens(Map.of("first-reader", "read", "writer", "write", "operator", "read,write,operate")))) {
            browser.open(api.url() + "/#/dead-letters");
            awaitDialog("The server asks for a token");
            giveToken("a-wrong-one");
            awaitDialog("The server refused this token");
            giveToken("first-reader");
            browser.awaitTrue(IS_LIVE + " && document.querySelector('tbody button.link')");
            assertThat(controls()).isEmpty();

            browser.driver().navigate().refresh();
            browser.awaitTrue(IS_LIVE + " && document.querySelector('tbody button.link')");
            assertThat(browser.<Number>run("return localStorage.length + document.cookie.length")
                            .intValue())
                    .as("what outlives the tab")
                    .isZero();
            browser.click("Forget token");
            awaitDialog("The server asks for a token");
            giveToken("writer");
            browser.awaitTrue(within(3), "document.querySelector('#banner').innerText.includes('role')");
            browser.click("Forget token");
            awaitDialog("The server asks for a token");
            giveToken("operator");
            browser.awaitTrue(IS_LIVE + " && document.querySelector('tbody button.link')");
            browser.awaitTrue(CAN_REPLAY_ALL); // the reasons may come after the dead letters

            api.restartWith(tokens(Map.of("second-reader", "read"))); // the others are withdrawn
            awaitDialog("The server refused this token");
            giveToken("second-reader");
            browser.awaitTrue(within(5), IS_LIVE + " && document.querySelector('#banner').hidden");
            browser.awaitTrue("document.querySelector('tbody button.link')");
            assertThat(controls()).isEmpty();
            assertThat(browser.messages())
                    .allMatch(
                            message -> message.contains("401") || message.contains("403") || message.contains("ERR_"));
        }
    }

    /** @param roles by token, which is also the name of who has it */
    private static String[] tokens(Map<String, String> roles) {
        List<String> all = List.copyOf(roles.keySet());
        return IntStream.range(0, all.size())
                .boxed()
                .flatMap(i -> Stream.of(
                                "name=" + all.get(i),
                                "sha256=" + TokenDigests.of(all.get(i)),
                                "roles=" + roles.get(all.get(i)))
                        .map(setting -> "--checkin.security.tokens[" + i + "]." + setting))
                .toArray(String[]::new);
    }

    private static void awaitDialog(String title) {
        browser.awaitTrue(within(5), "document.querySelector('dialog h2')?.textContent === arguments[0]", title);
    }

    private static void giveToken(String token) {
        browser.find("#token").sendKeys(token);
        browser.click("Continue");
    }

    /** What could change something. */
    private static List<String> controls() {
        return browser.run("""
                return [...document.querySelectorAll('button')].filter(button => button.checkVisibility()).map(button => button.textContent)
                  .filter(text => /Send|Put|Discard/.test(text));
                """);
    }

    /** Three processors that take their time. One of them is a process of its own, which can be killed. */
    @Nested
    final class Processors {

        private static final String[] SLOW = {
            "--checkin.processor.projections=totals", // a lane for each of them, not two
            "--checkin.processor.batch-size=1",
            "--checkin.processor.max-in-flight=1",
            "--checkin.processor.simulated-work=1100ms..1200ms", // longer than from one sample to the next
            "--checkin.processor.claim-after=2s",
            "--checkin.processor.claim-every=500ms"
        };

        private static ServiceProcess birch;

        @BeforeAll
        static void start(@TempDir Path output) {
            birch = ServiceProcess.ofJar(
                    "birch",
                    output,
                    List.of(),
                    new Jars(Path.of("..")).extracted("checkin-processor"),
                    Stream.concat(
                                    Stream.of(SLOW),
                                    Stream.of(
                                            "--server.port=0",
                                            "--spring.data.redis.url=" + redis.uri(),
                                            "--checkin.processor.consumer=birch"))
                            .toList());
            services.stopProcessors();
            for (String name : List.of("alder", "cedar")) {
                services.startProcessor(
                        Stream.concat(Stream.of(SLOW), Stream.of("--checkin.processor.consumer=" + name))
                                .toArray(String[]::new));
            }
            birch.awaitUp();
        }

        @AfterAll
        static void stop() {
            birch.close();
            services.stopProcessors();
        }

        @Test
        void aKilledOneGoesStaleAndAClaimNamesBothConsumersAndTheDelivery() {
            openLive("");
            services.post(300);
            browser.awaitTrue(
                    within(5),
                    "[...document.querySelectorAll('.lane .name')].map(name => name.textContent).join() === 'alder,birch,cedar'"
                            + " && [...document.querySelectorAll('.lane:not(.scale)')].every(lane => lane.querySelector('circle'))");

            birch.kill();

            long killed = System.nanoTime();
            Duration limit = within(2 + 1.5 * 0.5 + 2); // claim-after, claim-every
            browser.awaitTrue(
                    limit,
                    "['late', 'overdue'].includes(document.querySelectorAll('.lane:not(.scale)')[1].dataset.state)");
            String claimed = "[...document.querySelectorAll('.claims li')].some(claim =>"
                    + " /(alder|cedar) took [0-9-]+ from birch, delivery 2/.test(claim.textContent))";
            browser.awaitTrue(limit.minusNanos(System.nanoTime() - killed), claimed);
            browser.assertQuiet();

            openLive(""); // a page that is opened later
            browser.awaitTrue(claimed);
        }

        @Test
        void aCheckinThatIsSentFromThePageIsTraced() {
            openLive("#/feed");
            browser.click("Send a checkin");
            browser.run("document.querySelector('[name=userId]').value = 789;"
                    + " document.querySelector('[name=locationId]').value = 171;");
            browser.click("Do it yourself");
            assertThat(browser.<String>run("return document.querySelector('dialog code').textContent"))
                    .startsWith("curl -s " + services.receiver() + "/checkins ")
                    .contains("{\"userId\":789,\"locationId\":171,");
            browser.click("Send");
            browser.awaitText("Applied: it is in the totals");
            List<String> steps =
                    browser.run("return [...document.querySelectorAll('.steps b')].map(step => step.textContent)");
            // The entry may wait too briefly to be seen, or until the processors have made their groups anew. It may
            // also be delivered again.
            assertThat(steps.stream()
                            .map(step -> step.split("[ :]", 2)[0])
                            .filter(step -> !Set.of("Waits", "No").contains(step))
                            .collect(Collectors.joining(" ")))
                    .matches("Accepted( Held)+ Applied");
            assertThat(steps.stream().filter(step -> step.startsWith("Held")).map(step -> step.replaceAll(".*, ", "")))
                    .doesNotHaveDuplicates()
                    .isSorted()
                    .allMatch(step -> step.matches("delivery [1-9]"));
            assertThat(browser.text(".lead")).contains("user 789").contains("location 171");

            browser.run("document.querySelector('.lead a').click()");
            browser.awaitTrue(
                    "document.querySelector('.facts')?.innerText.includes(arguments[0])",
                    HttpAnswer.get(services.api() + "/users/789")
                            .json()
                            .get("numCheckins")
                            .asString());
            browser.assertQuiet();
        }

        @Test
        void lanesMoveUntilThePageIsPausedAndJumpForThoseWhoWantLessMotion() {
            services.post(200);
            openLive("");
            browser.awaitTrue(within(5), "document.querySelectorAll('.lanes circle').length >= 2");
            browser.click("Pending entries as a table");
            assertThat(browser.<Boolean>run("return document.querySelectorAll('.group tbody tr').length"
                            + " === document.querySelectorAll('.lanes circle').length"))
                    .isTrue();
            assertThat(changesIn(1500)).isNotEmpty();
            assertThat(transition()).isNotEqualTo("0s");

            browser.prefer(Map.of("prefers-color-scheme", "light", "prefers-reduced-motion", "reduce"));
            assertThat(transition()).isEqualTo("0s");

            browser.prefer(Map.of("prefers-color-scheme", "light"));
            browser.click("Pause");
            assertThat(changesIn(2500)).isEmpty();
            browser.click("Go on");
            assertThat(changesIn(1500)).isNotEmpty();
        }

        private String transition() {
            return browser.run("return getComputedStyle(document.querySelector('.lanes circle')).transitionDuration");
        }

        /** What on the page changes in so many milliseconds. */
        private List<String> changesIn(int milliseconds) {
            return browser.runAsync("""
                    const look = () => [...document.body.innerText.split('\\n'),
                      ...[...document.querySelectorAll('canvas')].map(canvas => canvas.toDataURL()),
                      ...[...document.querySelectorAll('.lanes circle')].map(dot => getComputedStyle(dot).cx)];
                    const before = look();
                    await new Promise(resolve => setTimeout(resolve, arguments[0]));
                    return look().filter((part, i) => part !== before[i]);
                    """, milliseconds);
        }
    }
}
