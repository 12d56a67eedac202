package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.checkin.testsupport.SequentialFold;
import io.ncc.redis.SingleRedis;
import java.io.PrintWriter;
import java.io.Writer;
import java.time.Duration;
import java.util.EnumSet;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;

/** Loads the sample data and runs two processors: every user and every location equals the sequential fold of the stream. */
@Timeout(120)
final class PipelineIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    @Test
    void twoProcessorsMakeTheFoldOfTheSampleData() throws Exception {
        load(EnumSet.of(Kind.USERS, Kind.LOCATIONS));
        SequentialFold expected = SequentialFold.over(redis.commands());
        load(EnumSet.of(Kind.CHECKINS));
        expected.addStream(redis.commands());

        try (ConfigurableApplicationContext one = startProcessor("one");
                ConfigurableApplicationContext two = startProcessor("two")) {
            await().atMost(Duration.ofSeconds(30)).untilAsserted(() -> expected.assertEqualTo(redis.commands()));
            assertThat(List.of(one, two)).allMatch(ConfigurableApplicationContext::isRunning);
        }

        assertThat(expected.applied()).isEqualTo(SampleData.CHECKINS);
        assertThat(redis.commands()
                        .xpending(Keys.unpartitioned().checkins(), Keys.GROUP)
                        .getCount())
                .isZero();
    }

    private static void load(EnumSet<Kind> kinds) throws Exception {
        RedisClient client = RedisClient.create(redis.uri());
        try (Loader loader =
                Loader.connect(Partitions.none(), new SingleRedis(client), new PrintWriter(Writer.nullWriter()))) {
            loader.load(SampleData.dataset(), kinds, false);
        } finally {
            client.shutdown();
        }
    }

    private static ConfigurableApplicationContext startProcessor(String name) {
        return ProcessorApplication.run(
                "--server.port=0",
                "--spring.data.redis.url=" + redis.uri(),
                "--checkin.processor.consumer=" + name,
                "--checkin.processor.batch-size=50");
    }
}
