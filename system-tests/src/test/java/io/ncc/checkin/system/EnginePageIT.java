package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.ServiceProcess;
import java.io.File;
import java.io.IOException;
import java.io.StringWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.tools.JavaCompiler;
import javax.tools.ToolProvider;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.io.TempDir;

/** The projection in docs/engine.md does what the page says. The test compiles and runs the code on the page. */
@Timeout(120)
final class EnginePageIT {

    private static final Path PAGE = Path.of("..", "docs", "engine.md");
    private static final Duration LIMIT = Duration.ofSeconds(30);
    private static final String CLASS_PATH = System.getProperty("java.class.path");

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    @TempDir
    static Path folder;

    private final List<Process> programs = new ArrayList<>();

    @BeforeAll
    static void compile() throws IOException {
        Path source = Files.createDirectories(folder.resolve("shop")).resolve("CustomerTotals.java");
        Files.writeString(source, block("java"));
        Files.writeString(Files.createDirectories(folder.resolve("lua")).resolve("customer-totals.lua"), block("lua"));
        JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
        var problems = new StringWriter();
        try (var files = compiler.getStandardFileManager(null, null, null)) {
            boolean compiled = compiler.getTask(
                            problems,
                            files,
                            null,
                            List.of("-cp", CLASS_PATH, "-proc:none", "-d", folder.toString()),
                            null,
                            files.getJavaFileObjects(source))
                    .call();
            assertThat(compiled).as(problems.toString()).isTrue();
        }
    }

    /** The only block of a language that the page has. */
    private static String block(String language) throws IOException {
        Matcher matcher = Pattern.compile("^```" + language + "\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE)
                .matcher(Files.readString(PAGE));
        List<String> blocks = matcher.results().map(found -> found.group(1)).toList();
        assertThat(blocks).as("blocks of %s", language).hasSize(1);
        return blocks.get(0);
    }

    @AfterEach
    void end() {
        programs.forEach(Process::destroyForcibly);
    }

    @Test
    void eachOrderCountsOnceAlthoughAProgramIsKilled() throws Exception {
        order("ada", "1250");
        Process first = start("one");
        await().atMost(LIMIT).until(() -> "1250".equals(total("ada")));
        start("two");
        for (int i = 0; i < 3_000; i++) {
            order(i % 2 == 0 ? "ada" : "bob", "1");
            if (i == 1_000) {
                first.destroyForcibly().waitFor();
                start("one"); // begins with what it has left behind
            }
        }
        redis.commands().xgroupDestroy("orders", "customer-totals");

        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(total("bob")).isEqualTo("1500");
            assertThat(total("ada")).isEqualTo("2750");
            assertThat(redis.commands().hget("orders:customer-totals:totals", "applied"))
                    .isEqualTo("3001");
        });
    }

    @Test
    void whatIsNoOrderAndWhatCantBeCountedIsSetAside() throws Exception {
        redis.commands().hset("customers:eve", "cents", "many");
        redis.commands().set("customers:mallory", "no hash");
        String undecodable = order("ada", "a lot");
        String noNumber = order("eve", "5");
        String noHash = order("mallory", "5");
        order("ada", "5");

        start("one");

        await().atMost(LIMIT).untilAsserted(() -> {
            assertThat(total("ada")).isEqualTo("5");
            assertThat(deadLetters())
                    .isEqualTo(Map.of(
                            undecodable,
                            "not an order",
                            noNumber,
                            "customers:eve: cents is not a number of up to 15 digits",
                            noHash,
                            "customers:mallory is not a hash"));
        });
        assertThat(redis.commands().xpending("orders", "customer-totals").getCount())
                .isZero();
    }

    @Test
    void aProgramThatIsStoppedLeavesTheGroup() throws Exception {
        order("ada", "5");
        Process program = start("one");
        await().atMost(LIMIT).until(() -> "5".equals(total("ada")));

        program.destroy();

        assertThat(program.waitFor(LIMIT.toSeconds(), TimeUnit.SECONDS)).isTrue();
        assertThat(redis.commands().xinfoConsumers("orders", "customer-totals")).isEmpty();
    }

    private Process start(String consumer) throws IOException {
        List<String> command = new ArrayList<>(ServiceProcess.JAVA);
        command.addAll(List.of("-cp", folder + File.pathSeparator + CLASS_PATH));
        command.addAll(List.of("shop.CustomerTotals", redis.uri(), consumer));
        Process program = new ProcessBuilder(command)
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.INHERIT)
                .start();
        programs.add(program);
        return program;
    }

    private static String order(String customer, String cents) {
        return redis.commands().xadd("orders", Map.of("customer", customer, "cents", cents));
    }

    private static String total(String customer) {
        return redis.commands().hget("customers:" + customer, "cents");
    }

    private static Map<String, String> deadLetters() {
        Map<String, String> reasons = new HashMap<>();
        redis.commands()
                .xrange("orders:customer-totals:dead", Range.unbounded())
                .forEach(letter -> reasons.put(
                        letter.getBody().get("originalId"), letter.getBody().get("reason")));
        return reasons;
    }
}
