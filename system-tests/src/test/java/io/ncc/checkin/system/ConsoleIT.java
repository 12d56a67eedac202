package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.Jars;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.zip.GZIPOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.WindowType;
import org.openqa.selenium.interactions.Actions;

/**
 * The console in a browser, with all services and a real Redis behind it. {@code -Dconsole.patience=1} holds it to the limits of a machine that does nothing
 * else; {@code -Dconsole.seconds=30} is the long form of the load.
 */
@Timeout(120)
final class ConsoleIT {

    /** Other tests run at the same time: limits of time are that many times longer. */
    private static final int PATIENCE = Integer.getInteger("console.patience", 3);

    private static final int LOAD_SECONDS = Integer.getInteger("console.seconds", 4);
    private static final int LOAD_BATCH = 1000;
    private static final int LOAD_BATCHES_A_SECOND = Integer.getInteger("console.batches", 5);

    private static final int MOST_BYTES = 150_000;
    private static final String IS_LIVE = "document.querySelector('#connection')?.textContent === 'live'";
    private static final String MARKUP = "<img src=x onerror=\"document.title='owned'\">";

    /** The number in the text of the first element of a selector; null if there is none. */
    private static final String NUMBER =
            "const digits = document.querySelector(arguments[0]).textContent.replace(/[^0-9.]/g, '');"
                    + " return digits ? Math.round(Number(digits)) : null;";

    private static final Path PROCESSOR = new Jars(Path.of("..")).extracted("checkin-processor");
    private static final Keys KEYS = Keys.unpartitioned();

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static Services services;
    private static Browser browser;

    @BeforeAll
    static void start() {
        services = new Services(redis.uri());
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
    }

    @AfterEach
    void away() {
        browser.open("about:blank");
        services.stopProcessors();
    }

    private static Duration within(double seconds) {
        return Duration.ofMillis((long) (1000 * seconds * PATIENCE));
    }

    private static void openLive(String view) {
        browser.open("about:blank"); // a change of the part after # alone would load nothing
        browser.open(services.api() + "/" + view);
        browser.awaitTrue(IS_LIVE);
    }

    @Test
    void aColdPageIsLiveAtOnceAndSmallAndAsksOnlyItsOwnServer() throws IOException {
        services.startProcessor();
        services.post(100);
        openLive("");
        double millis = browser.<Number>run("return performance.now()").doubleValue();
        assertThat(millis).isLessThan(2000.0 * PATIENCE);
        browser.awaitTrue("document.querySelectorAll('.plot canvas').length === 2");
        browser.awaitTrue("document.querySelector('.figure.headline b').textContent.endsWith(' s')");

        List<String> loaded = browser.run("return performance.getEntriesByType('resource').map(entry => entry.name)");
        assertThat(loaded).allMatch(url -> url.startsWith(services.api() + "/"));
        long bytes = compressed(services.api() + "/");
        for (String file : loaded) {
            if (!file.contains("/console/")) {
                bytes += compressed(file);
            }
        }
        assertThat(bytes).isBetween(10_000L, (long) MOST_BYTES);
        browser.assertQuiet();

        browser.open(services.api() + "/docs");
        browser.awaitText("API server");
        browser.assertQuiet();
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
        services.startProcessor();
        openLive("");
        long accepted = awaitNumber(".figure:nth-of-type(2) small");
        long applied = awaitNumber(".figure:nth-of-type(3) small");

        services.post(5000);

        awaitNumber(".figure:nth-of-type(2) small", accepted + 5000);
        awaitNumber(".figure:nth-of-type(3) small", applied + 5000);
        assertThat(HttpAnswer.get(services.api() + "/stream")
                        .json()
                        .get("totals")
                        .get("applied")
                        .asLong())
                .isEqualTo(applied + 5000);
        browser.awaitTrue(
                within(15),
                "[2, 3].every(i => document.querySelector(`.figure:nth-of-type(${i}) b`).textContent === '0')");
        browser.assertQuiet();
    }

    private static long awaitNumber(String selector) {
        return await().until(() -> browser.<Number>run(NUMBER, selector), number -> number != null)
                .longValue();
    }

    private static void awaitNumber(String selector, long expected) {
        await().atMost(within(5))
                .untilAsserted(
                        () -> assertThat(browser.<Number>run(NUMBER, selector)).isEqualTo(expected));
    }

    @Test
    void aClaimNamesBothConsumersAndTheDelivery(@TempDir Path output) {
        List<ServiceProcess> processors = new ArrayList<>();
        try {
            for (String name : List.of("alder", "birch", "cedar")) {
                processors.add(ServiceProcess.ofJar(
                        name,
                        output,
                        List.of(),
                        PROCESSOR,
                        List.of(
                                "--server.port=0",
                                "--spring.data.redis.url=" + redis.uri(),
                                "--checkin.processor.consumer=" + name,
                                "--checkin.processor.projections=totals", // a lane for each of them, not two
                                "--checkin.processor.batch-size=2",
                                "--checkin.processor.max-in-flight=1",
                                "--checkin.processor.simulated-work=300ms..500ms",
                                "--checkin.processor.claim-after=2s",
                                "--checkin.processor.claim-every=500ms")));
            }
            processors.forEach(ServiceProcess::awaitUp);
            openLive("");
            services.post(300);
            browser.awaitTrue(within(5), "document.querySelectorAll('.lanes circle').length >= 3");
            assertThat(browser.<List<String>>run(
                            "return [...document.querySelectorAll('.lane .name')].map(name => name.textContent)"))
                    .containsExactly("alder", "birch", "cedar");

            processors.get(1).kill();

            browser.awaitTrue(
                    within(2 + 0.75 + 2),
                    "[...document.querySelectorAll('.claims li')].some(claim =>"
                            + " /(alder|cedar) took [0-9-]+ from birch, delivery 2/.test(claim.textContent))");
            browser.assertQuiet();
        } finally {
            processors.forEach(ServiceProcess::close);
        }
    }

    @Test
    void aBrokenEntryIsTextAndIsPutBackOnce() {
        services.startProcessor();
        openLive("#/dead-letters");
        redis.commands().xadd(KEYS.checkins(), Map.of("userId", MARKUP, "locationId", "1", "starRating", "5"));
        browser.awaitTrue(within(3), "document.querySelector('tbody button.link')");
        browser.click(browser.text("tbody button.link"));
        browser.awaitTrue("document.querySelector('dialog').innerText.includes(arguments[0])", MARKUP);

        pressEscape();
        browser.awaitTrue("!document.querySelector('dialog')");
        assertThat(redis.commands().xlen(KEYS.deadLetters())).isEqualTo(1);

        browser.click(browser.text("tbody button.link"));
        browser.click("Put back…");
        assertThat(redis.commands().xlen(KEYS.deadLetters())).isEqualTo(1); // not yet confirmed
        String letter = redis.commands()
                .xrange(KEYS.deadLetters(), Range.unbounded())
                .get(0)
                .getId();
        assertThat(HttpAnswer.post(services.api() + "/dead-letters/" + letter + "/replay", "")
                        .status())
                .isEqualTo(200); // by someone else, meanwhile
        browser.click("Put back");
        browser.awaitTrue("document.querySelector('dialog .done')?.textContent.startsWith('It was already put back')");
        assertThat(browser.driver().getTitle()).startsWith("Dead letters");
        browser.awaitTrue("document.querySelectorAll('img[src=x]').length === 0");
        assertThat(browser.messages()).allMatch(message -> message.contains("404"));
    }

    private static void pressEscape() {
        new Actions(browser.driver()).sendKeys(org.openqa.selenium.Keys.ESCAPE).perform();
    }

    @Test
    void aRowUnderThePointerStaysWhereItIs() {
        services.startProcessor("--logging.level.io.ncc.engine.DeadLetters=off"); // it logs each
        openLive("#/dead-letters");
        die(60);
        browser.awaitTrue(within(5), "document.querySelectorAll('tbody button.link').length >= 50");
        WebElement button = browser.run("return [...document.querySelectorAll('button.link')][5]");
        String id = browser.run("return arguments[0].closest('tr').patchKey", button);
        new Actions(browser.driver()).moveToElement(button).perform();
        int before = button.getRect().y;
        Instant end = Instant.now().plusSeconds(LOAD_SECONDS);
        while (Instant.now().isBefore(end)) {
            die(10);
            browser.runAsync("await new Promise(resolve => setTimeout(resolve, 100))");
            assertThat(button.getRect().y).isEqualTo(before);
        }
        browser.awaitTrue(within(3), "document.querySelector('.news').checkVisibility()");
        new Actions(browser.driver()).click().perform();
        browser.awaitTrue("document.querySelector('dialog')?.innerText.includes(arguments[0])", id);
    }

    private static void die(int entries) {
        for (int i = 0; i < entries; i++) {
            redis.commands().xadd(KEYS.checkins(), Map.of("userId", "none", "locationId", "1", "starRating", "5"));
        }
    }

    @Test
    void aCheckinThatIsSentFromThePageIsTraced() {
        services.load();
        services.startProcessor();
        openLive("#/map");
        browser.awaitText("200 places");
        services.post(1);
        browser.awaitTrue("Number(document.querySelector('canvas').dataset.pulses) > 0");
        openLive("#/feed");
        browser.click("Send a checkin");
        browser.run("document.querySelector('[name=userId]').value = 789;"
                + " document.querySelector('[name=locationId]').value = 171;");
        browser.click("Send");
        browser.awaitText("Applied: it is in the totals");
        List<String> steps =
                browser.run("return [...document.querySelectorAll('.steps b')].map(step => step.textContent)");
        assertThat(steps).first().asString().startsWith("Accepted");
        assertThat(steps).last().asString().startsWith("Applied");
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
    void manyCheckinsKeepThePageCalm() {
        services.startProcessor();
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
        Instant start = Instant.now();
        for (int i = 1; i <= LOAD_SECONDS * LOAD_BATCHES_A_SECOND; i++) {
            services.post(LOAD_BATCH);
            sent += LOAD_BATCH;
            long ahead = 1000L * i / LOAD_BATCHES_A_SECOND
                    - Duration.between(start, Instant.now()).toMillis();
            browser.runAsync("await new Promise(resolve => setTimeout(resolve, arguments[0]))", Math.max(0, ahead));
        }
        int all = sent;
        await().atMost(within(5))
                .untilAsserted(() -> assertThat(this.<Long>shownAndPassed()).isEqualTo(all));
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
    void eightTabsLoadAndHiddenOnesLetGo() {
        String first = browser.driver().getWindowHandle();
        List<String> tabs = new ArrayList<>();
        try {
            for (int i = 0; i < 8; i++) {
                tabs.add(browser.driver().switchTo().newWindow(WindowType.TAB).getWindowHandle());
                browser.open(services.api() + "/");
                browser.awaitTrue(IS_LIVE);
            }
            await().atMost(within(15))
                    .untilAsserted(() -> assertThat(openPages()).isEqualTo(1));
            browser.driver().switchTo().window(tabs.get(0));
            browser.driver().executeCdpCommand("Page.bringToFront", Map.of());
            browser.awaitTrue(IS_LIVE);
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

    @Test
    void anOutageIsABannerAndAGapAndThenThePageIsLiveAgain() {
        services.startProcessor();
        services.post(10);
        openLive("");
        browser.awaitTrue("document.querySelector('.state').dataset.level === 'good'");

        redis.stop();
        browser.awaitTrue(within(3), "document.querySelector('#banner').innerText.startsWith('Redis is away')");
        browser.awaitTrue("document.querySelector('.state h1').textContent === 'Redis is away'");
        browser.awaitTrue("document.querySelector('.figure b').closest('[data-stale]')");
        redis.start();
        browser.awaitTrue(within(5), "document.querySelector('#banner').hidden");
        browser.awaitTrue(within(5), "document.querySelector('.state').dataset.level === 'good'");

        services.restartApi(() ->
                browser.awaitTrue(within(3), "document.querySelector('#banner').innerText.includes('API server')"));
        browser.awaitTrue(within(5), "document.querySelector('#banner').hidden && " + IS_LIVE);
    }

    @Test
    void allWorksByKeyboard() {
        services.startProcessor();
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
        type(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.querySelector('dialog')");
        tabTo("Discard…");
        type(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.activeElement.textContent === 'Discard'");
        type(org.openqa.selenium.Keys.ENTER);
        browser.awaitTrue("document.querySelector('dialog .done')?.textContent === 'Discarded.'");
        type(org.openqa.selenium.Keys.ESCAPE);
        await().until(() -> redis.commands().xlen(KEYS.deadLetters()) == 0);
    }

    private static void type(CharSequence... keys) {
        new Actions(browser.driver()).sendKeys(keys).perform();
    }

    /** Presses Tab until what has the focus begins with this text or label. */
    private static void tabTo(String label) {
        for (int i = 0; i < 60; i++) {
            type(org.openqa.selenium.Keys.TAB);
            if (Boolean.TRUE.equals(browser.run(
                    "const on = document.activeElement; return (on.ariaLabel ?? on.textContent).startsWith(arguments[0])",
                    label))) {
                return;
            }
        }
        throw new AssertionError("Tab doesn't reach " + label);
    }

    @Test
    void pauseStopsEverythingAndGoingOnShowsTheRest() {
        services.startProcessor();
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
    void readOnlyShowsNoControls() {
        services.startProcessor();
        die(1);
        openLive("#/dead-letters");
        browser.awaitTrue(
                "[...document.querySelectorAll('button')].some(button => button.textContent === 'Put all back…'"
                        + " && button.checkVisibility())");
        services.restartApi(() -> {}, "--checkin.api.read-only=true");
        try {
            openLive("#/feed");
            browser.awaitTrue("document.querySelector('#version').textContent.includes('read-only')");
            assertThat(controls()).isEmpty();
            openLive("#/dead-letters");
            browser.awaitTrue("document.querySelector('tbody button.link')");
            browser.click(browser.text("tbody button.link"));
            browser.awaitTrue("document.querySelector('dialog')");
            assertThat(controls()).isEmpty();
        } finally {
            services.restartApi(() -> {});
        }
    }

    /** What could change something. */
    private static List<String> controls() {
        return browser.run("""
                return [...document.querySelectorAll('button')].filter(button => button.checkVisibility()).map(button => button.textContent)
                  .filter(text => /Send|Put|Discard/.test(text));
                """);
    }
}
