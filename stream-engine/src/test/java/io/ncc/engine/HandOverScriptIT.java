package io.ncc.engine;

import static io.ncc.checkin.testsupport.GroupBench.GROUP;
import static io.ncc.checkin.testsupport.GroupBench.STREAM;
import static io.ncc.engine.TestGroup.GROUP_KEYS;
import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.ScriptOutputType;
import io.ncc.checkin.testsupport.GroupBench;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.LuaScript;
import io.ncc.redis.RedisCondition;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The contract of hand-over.lua. */
@Timeout(60)
final class HandOverScriptIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final LuaScript HAND_OVER = LuaScript.of(SequentialSource.class, "settled", "hand-over");

    private final GroupBench bench = new GroupBench(redis);

    @AfterEach
    void close() {
        bench.close();
    }

    @ParameterizedTest
    @CsvSource({"2-0, 2-0", "2, 2-0", "3-0, 3-0"})
    void theGroupIsMovedForwardToTheCheckpoint(String checkpoint, String expected) {
        bench.appendNumbered(4);
        bench.createGroup("0");
        bench.checkpoint(checkpoint);

        assertThat(run()).isEqualTo(expected);
        assertThat(run()).isEmpty();

        assertThat(bench.deliver("other", 1)).containsExactly(Integer.parseInt(checkpoint.substring(0, 1)) + 1 + "-0");
    }

    @ParameterizedTest
    @CsvSource({"0-0", "1-0", "2-0"})
    void aGroupThatIsNotBelowItStays(String checkpoint) {
        bench.appendNumbered(4);
        bench.createGroup("2-0");
        bench.createGroup("another", "0");
        bench.checkpoint(checkpoint);

        assertThat(run()).isEmpty();

        assertThat(bench.deliver("other", 1)).containsExactly("3-0");
        assertThat(bench.deliver("another", "other", 1)).containsExactly("1-0");
    }

    @Test
    void whatIsPendingStaysSo() {
        bench.appendNumbered(4);
        bench.createGroup("0");
        bench.deliver("holder", 1);
        bench.checkpoint("3-0");

        assertThat(run()).isEqualTo("3-0");

        assertThat(bench.pending()).containsExactly("1-0");
    }

    @Test
    void withoutStreamGroupOrCheckpointThereIsNothingToDo() {
        bench.checkpoint("2-0");
        assertThat(run()).isEmpty();
        bench.appendNumbered(4);
        assertThat(run()).isEmpty();
        bench.createGroup("0");
        redis.commands().del(GROUP_KEYS.checkpoint());
        assertThat(run()).isEmpty();
        assertThat(bench.deliver("other", 1)).containsExactly("1-0");
    }

    @Test
    void aFullMemoryDoesNotMatter() {
        bench.appendNumbered(4);
        bench.createGroup("0");
        bench.checkpoint("2-0");
        redis.fillMemory();

        assertThat(run()).isEqualTo("2-0");
    }

    @Test
    void aDamagedKeyIsSaid() {
        bench.appendNumbered(4);
        bench.createGroup("0");
        bench.checkpoint("yesterday");

        assertThat(RedisCondition.of(bench.refused(this::run))).isEqualTo(RedisCondition.WRONG_TYPE);
    }

    private String run() {
        return HAND_OVER
                .<String>run(
                        bench.async(),
                        ScriptOutputType.VALUE,
                        new String[] {STREAM, GROUP_KEYS.checkpoint()},
                        new String[] {GROUP})
                .toCompletableFuture()
                .orTimeout(10, TimeUnit.SECONDS)
                .join();
    }
}
