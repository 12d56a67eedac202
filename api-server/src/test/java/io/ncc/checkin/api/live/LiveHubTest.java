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

    @Test
    void ofThoseWhoTogetherHoldTooMuchTheOneWithMostIsDisconnected() {
        LiveClient some = deafClient();
        LiveClient most = deafClient();
        hub.join(some);
        hub.join(most);
        try {
            send(some, 2);
            send(most, 1);
            hub.tick();
            assertThat(List.of(some, most)).noneMatch(LiveClient::isTooSlow);
            send(most, 2);
            hub.tick();
            assertThat(some.isTooSlow()).isFalse();
            assertThat(most.isTooSlow()).isTrue();
            assertThat(registry.get("checkin.api.listeners.dropped").counter().count())
                    .isEqualTo(1);
            LiveClient behind = clientFromTheBeginning();
            hub.join(behind);
            AtomicInteger pages = new AtomicInteger();
            assertThat(hub.catchUp(new Slow(pages), END)).isTrue();
            assertThat(pages).hasValue(0);
            some.close();
            hub.catchUp(new Slow(pages), END);
            assertThat(pages).hasValue(1);
        } finally {
            hub.closeAll();
        }
    }

    /** Sends as many sixteenths of the heap, of which the test needs only a part. */
    private static void send(LiveClient client, int sixteenths) {
        byte[] part = new byte[1_000_000];
        long bytes = sixteenths * Runtime.getRuntime().maxMemory() / 16;
        for (long sent = 0; sent < bytes; sent += part.length) {
            client.send(part);
        }
    }

    /** What a stream holds is what only it has, and what it gave to a connection that is not done with it. */
    @Test
    void aSharedArrayIsHeldOnceTheConnectionHasIt() {
        Taker connection = new Taker();
        EventStream events = stream(connection);
        long before = EventStream.heldByAll();
        connection.ready = false;
        events.send(new byte[10]);
        events.sendShared(new byte[100]);
        assertThat(events.held()).isEqualTo(10);
        assertThat(EventStream.heldByAll()).isEqualTo(before + 10);
        connection.takes = 2;
        connection.ready = true;
        events.onWritePossible();
        assertThat(events.held()).isEqualTo(100);
        connection.ready = true;
        connection.takes = 10;
        events.onWritePossible();
        assertThat(events.held()).isZero();
        connection.ready = false;
        events.sendShared(new byte[100]);
        events.send(new byte[10]);
        assertThat(events.held()).isEqualTo(10);
        events.close();
        assertThat(EventStream.heldByAll()).isEqualTo(before);
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
        return new LiveClient(stream(new Taker()), CheckinId.lowest(Partitions.none(), StreamId.ZERO), null, null);
    }

    private static EventStream stream(ServletOutputStream connection) {
        EventStream events = new EventStream(
                new MockAsyncContext(new MockHttpServletRequest(), null), connection, Integer.MAX_VALUE);
        events.onWritePossible();
        return events;
    }

    /** It is at the end, and takes nothing. */
    private static LiveClient deafClient() {
        Taker connection = new Taker();
        connection.ready = false;
        return new LiveClient(stream(connection), END, null, null);
    }

    /** Takes what it gets as long as it is ready, and is no longer ready after so many writes. */
    private static final class Taker extends ServletOutputStream {

        private boolean ready = true;
        private int takes = Integer.MAX_VALUE;

        @Override
        public boolean isReady() {
            return ready;
        }

        @Override
        public void write(byte[] bytes) {
            takes--;
            ready = takes > 0;
        }

        @Override
        public void setWriteListener(WriteListener listener) {}

        @Override
        public void write(int octet) {}
    }
}
