package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

@Timeout(60)
final class SequentialFoldIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    @Test
    void itBeginsWithTheHashesInRedis() {
        redis.commands().hset("ncc:users:7", Map.of("id", "7", "numCheckins", "41"));
        redis.commands().hset("ncc:locations:3", Map.of("id", "3"));
        redis.commands().set("ncc:users:8", "no hash");
        redis.commands().set("ncc:checkinprocessor:lastid", "1-0");
        var fold = SequentialFold.over(redis.commands());
        assertThat(fold.hashes()).containsOnlyKeys("ncc:users:7", "ncc:users:8", "ncc:locations:3");
        assertThat(fold.hashes().get("ncc:users:7")).isEqualTo(Map.of("id", "7", "numCheckins", "41"));
        fold.assertEqualTo(redis.commands());
    }

    @Test
    void itReadsTheStreamPageByPageAndGoesOnWhereItWas() {
        for (int i = 0; i < 2_500; i++) {
            append(i % 10 + 1);
        }
        var fold = SequentialFold.over(redis.commands()).addStream(redis.commands());
        assertThat(fold.applied()).isEqualTo(2_500);
        assertThat(fold.hashes()).hasSize(11);

        append(1);
        redis.commands().xadd("ncc:checkins", Map.of("userId", "none"));
        fold.addStream(redis.commands()).addStream(redis.commands());
        assertThat(fold.applied()).isEqualTo(2_501);
        assertThat(fold.dead()).isEqualTo(1);
        assertThat(fold.hashes().get("ncc:users:1")).containsEntry("numCheckins", "251");
    }

    @Test
    void aTargetThatIsNoHashMakesTheEntryDead() {
        redis.commands().set("ncc:users:7", "no hash");
        var fold = SequentialFold.over(redis.commands());
        append(7);
        fold.addStream(redis.commands()).assertEqualTo(redis.commands());
        assertThat(fold.dead()).isEqualTo(1);
    }

    @Test
    void hashesThatAreNotTheFoldAreListedWithBothValues() {
        var fold = SequentialFold.over(redis.commands());
        append(7);
        fold.addStream(redis.commands());
        assertThatThrownBy(() -> fold.assertEqualTo(redis.commands()))
                .isInstanceOf(AssertionError.class)
                .hasMessageContaining("2 hashes are not the sequential fold")
                .hasMessageContaining("ncc:users:7 does not exist")
                .hasMessageContaining("ncc:locations:3 does not exist");

        fold.hashes().forEach((key, hash) -> redis.commands().hset(key, hash));
        assertThatCode(() -> fold.assertEqualTo(redis.commands())).doesNotThrowAnyException();

        redis.commands().hincrby("ncc:users:7", "numCheckins", 1);
        assertThatThrownBy(() -> fold.assertEqualTo(redis.commands()))
                .hasMessageContaining("ncc:users:7: numCheckins must be 1, but is 2");
    }

    @Test
    void ofManyDifferencesTheFirstAreListed() {
        var fold = SequentialFold.over(redis.commands());
        for (int user = 1; user <= 30; user++) {
            append(user);
        }
        fold.addStream(redis.commands());
        assertThatThrownBy(() -> fold.assertEqualTo(redis.commands()))
                .hasMessageStartingWith("31 hashes")
                .hasMessageEndingWith("...");
    }

    private static void append(long user) {
        redis.commands().xadd("ncc:checkins", CheckinCodec.encode(new Checkin(user, 3, 5)));
    }
}
