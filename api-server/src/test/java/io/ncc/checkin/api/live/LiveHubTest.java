package io.ncc.checkin.api.live;

import static org.assertj.core.api.Assertions.assertThat;

import io.micrometer.core.instrument.simple.SimpleMeterRegistry;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStream;
import io.ncc.checkin.model.Partitions;
import io.ncc.redis.StreamId;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.mock.web.MockAsyncContext;
import org.springframework.mock.web.MockHttpServletRequest;
import tools.jackson.databind.json.JsonMapper;

final class LiveHubTest {

    private static final CheckinId END = CheckinId.of(Partitions.none(), 0, "5-0");

    private final SimpleMeterRegistry registry = new SimpleMeterRegistry();
    private final LiveHub hub = new LiveHub(
            new JsonMapper(),
            new ApiProperties(
                    Duration.ofSeconds(30),
                    Duration.ofSeconds(60),
                    Duration.ofHours(1),
                    2_000_000,
                    1_000,
                    1_000_000,
                    Duration.ofSeconds(15),
                    100,
                    false,
                    null,
                    null),
            registry);

    @Test
    void manyWhoAreBehindDoNotHoldUpTheRestAndAllHaveTheirTurn() {
        int count = 20;
        List<LiveClient> clients = Stream.generate(LiveHubTest::clientFromTheBeginning)
                .limit(count)
                .toList();
        clients.forEach(hub::join);
        AtomicInteger pages = new AtomicInteger();
        int calls = 0;
        boolean behind = true;
        while (behind && calls < count) {
            int before = pages.get();
            behind = hub.catchUp(new Slow(pages), END);
            calls++;
            assertThat(pages.get() - before).isLessThan(count / 2);
        }
        assertThat(calls).isGreaterThan(2);
        assertThat(clients).allMatch(client -> END.equals(client.position()));
        assertThat(pages).hasValue(count);
    }

    @Test
    void aClientThatIsGoneBeforeItJoinsIsNotKept() {
        LiveClient client = clientFromTheBeginning();
        client.close();
        hub.join(client);
        assertThat(registry.get("checkin.api.listeners").gauge().value()).isZero();
    }

    /** A stream of one entry, from which each page takes long. */
    private record Slow(AtomicInteger pages) implements LiveHub.History {

        @Override
        public List<LiveEntry> between(CheckinId from, CheckinId to) {
            pages.incrementAndGet();
            LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(20));
            return List.of(new LiveEntry(END, Map.of("userId", "1", "locationId", "1", "starRating", "5")));
        }

        @Override
        public boolean isComplete(CheckinId from, List<LiveEntry> page) {
            return true;
        }

        @Override
        public CheckinId before(long nanos) {
            throw new UnsupportedOperationException();
        }

        @Override
        public boolean isBeyondEnd(CheckinId id) {
            return false;
        }
    }

    private static LiveClient clientFromTheBeginning() {
        EventStream events =
                new EventStream(new MockAsyncContext(new MockHttpServletRequest(), null), new Taker(), 1_000_000);
        events.onWritePossible();
        return new LiveClient(events, CheckinId.lowest(Partitions.none(), StreamId.ZERO), null, null);
    }

    /** Always takes what it gets. */
    private static final class Taker extends ServletOutputStream {

        @Override
        public boolean isReady() {
            return true;
        }

        @Override
        public void setWriteListener(WriteListener listener) {}

        @Override
        public void write(int octet) {}
    }
}
