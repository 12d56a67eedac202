package io.ncc.checkin.demo.load;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import java.io.PrintWriter;
import java.io.StringWriter;
import java.time.Duration;
import me.tongfei.progressbar.ProgressBar;
import org.junit.jupiter.api.Test;

final class ProgressBarsTest {

    private final StringWriter written = new StringWriter();
    private final PrintWriter out = new PrintWriter(written);

    @Test
    void withoutATerminalWhatTakesLongGetsALineNowAndThen() {
        try (ProgressBar bar = ProgressBars.of("hashing", 100, new ProgressBars.Lines(out, Duration.ofMillis(300)))) {
            await().atMost(Duration.ofSeconds(10)).until(() -> {
                bar.step(); // without progress there is no line
                return written.toString().lines().count() >= 2;
            });
        }
        assertThat(written.toString().lines())
                .hasSizeLessThan(5)
                .allSatisfy(line -> assertThat(line).startsWith("hashing").contains("/100"));
    }

    @Test
    void whatIsDoneSoonGetsNone() {
        try (ProgressBar bar = ProgressBars.of("hashing", 100, new ProgressBars.Lines(out, Duration.ofMinutes(1)))) {
            bar.stepTo(100);
        }
        assertThat(written.toString()).isEmpty();
    }
}
