package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;
import static org.junit.jupiter.api.DynamicTest.dynamicTest;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * Each view of the console, in light and dark, wide and on a telephone: anybody can use it (axe finds nothing against WCAG 2.2 AA), and it never scrolls
 * sideways. The pictures are in {@code target/console}. {@code -Dconsole.pictures=<folder>} writes those of the documents there, after two minutes in which they get a history.
 */
@Timeout(300)
final class ConsoleViewsIT {

    private static final int WIDTH = 1280;
    private static final int HEIGHT = 860;
    private static final Path PICTURES = Path.of("target", "console");

    private static final @Nullable String DOCUMENTS = System.getProperty("console.pictures");

    private static final String AXE = """
            const results = await axe.run(document, {runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa']});
            return results.violations.map(violation => violation.id + ': ' + violation.nodes.map(node => node.html + ' ' + node.failureSummary).join('; '));
            """;

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final ScheduledExecutorService traffic = Executors.newSingleThreadScheduledExecutor();

    private static Services services;
    private static Browser browser;
    private static String axe;

    enum View {
        OVERVIEW("", ".lane"),
        FEED("#/feed", ".feed li"),
        DEAD_LETTERS("#/dead-letters", "button.link"),
        RANKINGS("#/rankings", ".rank"),
        MAP("#/map", ".mapgrid tbody a"),
        GROUPS("#/groups", "tbody a"),
        GROUP("#/groups/checkinConsumers", ".lane"),
        USER("#/users/1", ".facts dd"),
        LOCATION("#/locations/1", ".facts dd"),
        CHECKIN("#/checkins/", ".steps li"),
        DEAD_LETTER("#/dead-letters/", "dialog .step button"),
        SEND("#/feed", "#find", "Send a checkin");

        private final String address;
        private final String shown;
        private final @Nullable String button;

        View(String address, String shown) {
            this(address, shown, null);
        }

        /** @param button to be clicked; what it opens is looked at */
        View(String address, String shown, @Nullable String button) {
            this.address = address;
            this.shown = shown;
            this.button = button;
        }

        /** The end of its address. */
        private String id() {
            return switch (this) {
                case CHECKIN ->
                    HttpAnswer.get(services.api() + "/checkins/latest")
                            .json()
                            .get("id")
                            .asString();
                case DEAD_LETTER ->
                    HttpAnswer.get(services.api() + "/dead-letters?limit=1")
                            .json()
                            .at("/items/0/id")
                            .asString();
                default -> "";
            };
        }
    }

    @BeforeAll
    static void start() throws IOException {
        services = new Services(redis.uri());
        browser = Browser.start();
        try (InputStream script = ConsoleViewsIT.class.getResourceAsStream("/axe.min.js")) {
            axe = new String(script.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    @AfterAll
    static void stop() {
        traffic.shutdownNow();
        if (browser != null) {
            browser.close();
        }
        services.close();
    }

    @TestFactory
    Stream<DynamicTest> views() {
        services.load();
        for (String name : List.of("alder", "birch", "cedar")) {
            services.startProcessor(
                    "--checkin.processor.consumer=" + name,
                    "--checkin.processor.projections=totals,boards",
                    "--checkin.processor.batch-size=4",
                    "--checkin.processor.max-in-flight=1",
                    "--checkin.processor.simulated-work=20ms..70ms");
        }
        for (int i = 0; i < 7; i++) {
            redis.commands()
                    .xadd(
                            Keys.unpartitioned().checkins(),
                            Map.of(
                                    "userId",
                                    String.valueOf(i + 1),
                                    "locationId",
                                    "171",
                                    "starRating",
                                    i < 4 ? "9" : "<b>5</b>"));
        }
        var random = new Random(7);
        ScheduledFuture<?> unused = traffic.scheduleAtFixedRate(
                () -> services.post(1 + random.nextInt(8), random), 0, 100, TimeUnit.MILLISECONDS);
        Stream<DynamicTest> views = Stream.of(View.values()).map(view -> dynamicTest(view.name(), () -> check(view)));
        return DOCUMENTS == null
                ? views
                : Stream.concat(views, Stream.of(dynamicTest("documents", () -> shootFor(DOCUMENTS))));
    }

    private static void check(View view) {
        browser.open("about:blank");
        browser.open(services.api() + "/" + view.address + view.id());
        browser.awaitTrue("document.querySelector(arguments[0])", view.shown);
        if (view.button != null) {
            browser.click(view.button);
        }
        for (String scheme : List.of("light", "dark")) {
            browser.prefer(Map.of("prefers-color-scheme", scheme));
            browser.resize(WIDTH, HEIGHT);
            shoot(view, scheme, "wide");
            if (scheme.equals("light")) { // colours depend on the scheme, and the rest on the width
                assertAccessible("wide, light");
            }
            browser.resize(360, 640);
            shoot(view, scheme, "360");
            assertNoSidewaysScrolling();
        }
        browser.run("document.querySelectorAll('details').forEach(details => details.open = true)");
        assertNoSidewaysScrolling();
        assertAccessible("narrow, dark, with all details");
        browser.assertQuiet();
    }

    private static void assertNoSidewaysScrolling() {
        assertThat(browser.<Boolean>run(
                        "const page = document.documentElement; return page.scrollWidth === page.clientWidth"))
                .as("no sideways scrolling")
                .isTrue();
    }

    private static void assertAccessible(String form) {
        browser.run(axe);
        assertThat(browser.<List<String>>runAsync(AXE)).as(form).isEmpty();
    }

    private static void shootFor(String folder) {
        browser.resize(WIDTH, HEIGHT);
        browser.open(services.api() + "/");
        await().atMost(Duration.ofMinutes(3))
                .until(() -> browser.<Number>run("return performance.now()").longValue() > 120_000);
        browser.prefer(Map.of("prefers-color-scheme", "light"));
        browser.picture(Path.of(folder, "console.png"));
        browser.prefer(Map.of("prefers-color-scheme", "dark"));
        browser.awaitTrue("matchMedia('(prefers-color-scheme: dark)').matches");
        browser.picture(Path.of(folder, "console-dark.png"));
    }

    private static void shoot(View view, String scheme, String width) {
        browser.runAsync("await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)))");
        browser.picture(PICTURES.resolve(view.name().toLowerCase(Locale.ROOT) + '-' + scheme + '-' + width + ".png"));
    }
}
