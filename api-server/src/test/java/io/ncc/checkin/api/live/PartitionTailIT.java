package io.ncc.checkin.api.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.XAddArgs;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisLink;
import io.ncc.redis.StreamId;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What the tail of one partition tells the {@link StreamTail}. */
@Timeout(60)
final class PartitionTailIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Partitions PARTITIONS = Partitions.of(4);
    private static final Duration NO_PATIENCE = Duration.ZERO;

    private final RedisClient client = RedisClient.create(redis.uri());
    private final RedisLink link = new RedisLink("test", client);
    private final PartitionTail tail = new PartitionTail(PARTITIONS, 0, link, link, 10);
    private List<StreamId> ids = List.of();

    @BeforeEach
    void start() {
        link.start();
        tail.begin(PartitionTail.State.NONE);
        ids = Stream.of("1000-0", "1001-0", "1002-0", "1003-0")
                .map(PartitionTailIT::add)
                .toList();
    }

    @AfterEach
    void stop() {
        link.stop();
        client.shutdown(0, 2, TimeUnit.SECONDS);
    }

    private static StreamId add(String id) {
        return StreamId.parse(redis.commands()
                .xadd(PARTITIONS.keys(0).checkins(), new XAddArgs().id(id), CheckinCodec.encode(new Checkin(1, 1, 1))));
    }

    private void read(int most) {
        assertThat(tail.take(tail.ask(most))).isLessThanOrEqualTo(most);
    }

    private List<StreamId> again() {
        return RedisLink.await(tail.readAgain(StreamId.ZERO, StreamId.HIGHEST, 10)).stream()
                .map(StreamMessage::getId)
                .map(StreamId::parse)
                .toList();
    }

    @Test
    void whatIsHeldIsNotReadAgain() {
        read(10);
        assertThat(again()).isEmpty();
        assertThat(tail.release(ids.get(2))).hasSize(2);
        assertThat(again()).containsExactly(ids.get(0), ids.get(1));
        assertThat(tail.release(StreamId.HIGHEST)).hasSize(2);
        assertThat(again()).isEqualTo(ids);
    }

    @Test
    void whoWasAwayIsLateUntilItHasReadUpToWhatIsPublished() {
        goAway();
        read(1);
        assertThat(tail.isLate(NO_PATIENCE, ids.get(1))).isTrue();
        read(1);
        assertThat(tail.isLate(NO_PATIENCE, ids.get(1))).isFalse();
        read(1);
        assertThat(tail.isLate(NO_PATIENCE, ids.get(3)))
                .as("it wasn't away again")
                .isFalse();
    }

    @Test
    void whoWasAwayIsNoLongerLateOnceItHasReadAllEvenIfItsClockIsBehind() {
        goAway();
        read(10);
        assertThat(tail.isLate(NO_PATIENCE, StreamId.HIGHEST)).isFalse();
    }

    private void goAway() {
        assertThat(tail.isLate(NO_PATIENCE, ids.get(1))).isFalse();
        link.stop();
        read(1);
        assertThat(tail.isLate(NO_PATIENCE, ids.get(1))).isTrue();
        link.start();
    }
}
