package io.ncc.checkin.api.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.api.live.LiveEntry;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Partitions;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class FeedTest {

    private final Feed feed = new Feed();

    private static List<LiveEntry> checkins(int first, int last) {
        return IntStream.rangeClosed(first, last)
                .mapToObj(number -> new LiveEntry(
                        CheckinId.of(Partitions.none(), 0, number + "-0"),
                        Map.of("userId", "1", "locationId", "2", "starRating", "3")))
                .toList();
    }

    private List<Long> take(long passedOver) {
        Feed.Event event = Objects.requireNonNull(feed.take());
        assertThat(event.passedOver()).isEqualTo(passedOver);
        return event.items().stream()
                .map(checkin -> checkin.id().entry().millis())
                .toList();
    }

    @Test
    void whatComesIsTakenOnceAndInOrder() {
        assertThat(feed.take()).isNull();
        feed.add(checkins(1, 3));
        feed.add(checkins(4, 4));
        assertThat(take(0)).containsExactly(1L, 2L, 3L, 4L);
        assertThat(feed.take()).isNull();
    }

    @Test
    void ofManyTheNewestTenAreKeptAndTheOthersCounted() {
        feed.add(checkins(1, 5));
        feed.add(checkins(6, 1_006));
        feed.add(checkins(1_007, 1_008));
        assertThat(take(998))
                .containsExactly(999L, 1_000L, 1_001L, 1_002L, 1_003L, 1_004L, 1_005L, 1_006L, 1_007L, 1_008L);
        assertThat(feed.count()).isEqualTo(1_008);
    }

    @Test
    void anEntryThatIsNoCheckinIsNotShown() {
        feed.add(List.of(new LiveEntry(CheckinId.of(Partitions.none(), 0, "1-0"), Map.of("not", "one"))));
        assertThat(take(0)).isEmpty();
    }
}
