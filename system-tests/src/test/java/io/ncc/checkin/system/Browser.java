package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.File;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.logging.Level;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.openqa.selenium.By;
import org.openqa.selenium.Dimension;
import org.openqa.selenium.OutputType;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import org.openqa.selenium.logging.LogType;
import org.openqa.selenium.logging.LoggingPreferences;

/**
 * A headless Chromium without a profile. It reaches only this machine: every other name resolves to nothing. Needs {@code chromium} and {@code
 * chromedriver} on the PATH; without them the test fails and says what to install.
 */
final class Browser implements AutoCloseable {

    private static final String MISSING =
            "The tests of pages need Chromium and its driver. Install them, on Debian with"
                    + " `apt-get install chromium chromium-driver`. On the PATH there is no ";
    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration OFTEN = Duration.ofMillis(50);

    private final ChromeDriver driver;
    private final List<String> messages = new ArrayList<>();

    private Browser(ChromeDriver driver) {
        this.driver = driver;
    }

    /**
     * Starts one.
     *
     * @param alsoHere other names that resolve to this machine
     */
    static Browser start(String... alsoHere) {
        String here =
                Stream.of(alsoHere).map(name -> "MAP " + name + " 127.0.0.1, ").collect(Collectors.joining());
        var logs = new LoggingPreferences();
        logs.enable(LogType.BROWSER, Level.ALL);
        var options = new ChromeOptions();
        options.setBinary(
                program("chromium", "chromium-browser", "google-chrome").toFile());
        options.addArguments(
                "--headless=new",
                "--window-size=1280,900",
                "--no-first-run",
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-extensions",
                "--disable-background-networking",
                "--disable-component-update",
                "--host-resolver-rules=" + here + "MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1");
        if (System.getProperty("user.name").equals("root")) {
            options.addArguments("--no-sandbox"); // with which Chromium refuses to run as root
        }
        options.setCapability(ChromeOptions.LOGGING_PREFS, logs);
        ChromeDriverService service = new ChromeDriverService.Builder()
                .usingDriverExecutable(program("chromedriver").toFile())
                .usingAnyFreePort()
                .build();
        var driver = new ChromeDriver(service, options);
        driver.manage().timeouts().scriptTimeout(Duration.ofSeconds(30));
        return new Browser(driver);
    }

    private static Path program(String... names) {
        return Stream.of(names)
                .flatMap(name -> Stream.of(System.getenv("PATH").split(File.pathSeparator))
                        .map(folder -> Path.of(folder, name)))
                .filter(Files::isExecutable)
                .findFirst()
                .orElseThrow(() -> new AssertionError(MISSING + names[0]));
    }

    /** For what this class has no method of its own for. */
    ChromeDriver driver() {
        return driver;
    }

    void open(String url) {
        driver.get(url);
    }

    /** Runs the body of a function in the page and returns what it returns: numbers as Long or Double. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    <T> T run(String body, Object... arguments) {
        return (T) driver.executeScript(body, arguments);
    }

    /** Runs the body of an asynchronous function, waits for it, and returns what it returns. */
    @SuppressWarnings({"unchecked", "TypeParameterUnusedInFormals"})
    <T> T runAsync(String body, Object... arguments) {
        var result = (Map<String, Object>) driver.executeAsyncScript(
                "const done = arguments[arguments.length - 1]; (async () => {" + body
                        + "})().then(value => done({value}), failure => done({failure: String(failure.stack)}))",
                arguments);
        assertThat(result).doesNotContainKey("failure");
        return (T) result.get("value");
    }

    /** Waits until an expression is true in the page. */
    void awaitTrue(String expression, Object... arguments) {
        awaitTrue(LIMIT, expression, arguments);
    }

    void awaitTrue(Duration limit, String expression, Object... arguments) {
        await(expression)
                .atMost(limit)
                .pollInterval(OFTEN)
                .until(() -> Boolean.TRUE.equals(run("return Boolean(" + expression + ")", arguments)));
    }

    /** Waits until the page shows a text. */
    void awaitText(String text) {
        awaitTrue("document.body.innerText.includes(arguments[0])", text);
    }

    /** The text that the first element of a CSS selector shows. */
    String text(String selector) {
        return find(selector).getText();
    }

    WebElement find(String selector) {
        return driver.findElement(By.cssSelector(selector));
    }

    /** Waits for a button, by its text or label, among what is shown, and clicks it. */
    void click(String button) {
        String found = "[...document.querySelectorAll('button, summary')].filter(each => each.checkVisibility()"
                + " && (each.getAttribute('aria-label') ?? each.textContent) === arguments[0]).at(-1)";
        awaitTrue(found, button);
        this.<WebElement>run("return " + found, button).click();
    }

    void resize(int width, int height) {
        // of the page; a window of Chromium can't be as narrow as a telephone
        driver.executeCdpCommand(
                "Emulation.setDeviceMetricsOverride",
                Map.of("width", width, "height", height, "deviceScaleFactor", 1, "mobile", false));
        driver.manage().window().setSize(new Dimension(Math.max(width, 500), height));
    }

    /** What the visitor prefers: a feature of CSS such as {@code prefers-color-scheme} and its value. */
    void prefer(Map<String, String> features) {
        driver.executeCdpCommand(
                "Emulation.setEmulatedMedia",
                Map.of(
                        "features",
                        features.entrySet().stream()
                                .map(feature -> Map.of("name", feature.getKey(), "value", feature.getValue()))
                                .toList()));
    }

    /** Writes a picture of what is visible, as PNG. */
    void picture(Path file) {
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.write(file, driver.getScreenshotAs(OutputType.BYTES));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** What the console has reported since the start: errors, warnings, and what the content security policy has blocked. */
    List<String> messages() {
        driver.manage().logs().get(LogType.BROWSER).getAll().stream()
                .filter(entry -> entry.getLevel().intValue() >= Level.WARNING.intValue())
                .forEach(entry -> messages.add(entry.getMessage()));
        return messages;
    }

    /** Fails if the console has reported anything. */
    void assertQuiet() {
        assertThat(messages()).isEmpty();
    }

    @Override
    public void close() {
        driver.quit();
    }
}
