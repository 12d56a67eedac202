package io.ncc.checkin.api.live;

import io.lettuce.core.StreamMessage;
import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.BiFunction;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponseException;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/**
 * Those who follow the stream. All but the joining and leaving of clients is done by the {@link StreamTail}'s thread, which never waits for a
 * client: what a client can't take yet waits in its buffer, and if that gets too long the client is dropped.
 */
@Component
final class LiveHub {

    private static final byte[] HEARTBEAT = ":\n\n".getBytes(StandardCharsets.US_ASCII);
    private static final byte[] GAP = "event: gap\ndata: {}\n\n".getBytes(StandardCharsets.US_ASCII);

    /** In nanoseconds; meanwhile nobody is sent what is new. */
    private static final long LONGEST_CATCHING_UP = TimeUnit.MILLISECONDS.toNanos(50);

    private final Set<LiveClient> clients = ConcurrentHashMap.newKeySet();
    private final ObjectWriter json;
    private final Counter dropped;
    private final int maxClients;
    private final int maxBuffered;
    private final long heartbeatNanos;

    /** Up to where everything has been published; null as long as the tail doesn't know. */
    private volatile @Nullable StreamId position;

    private volatile boolean closed;

    /** Whose it is of those who are behind. */
    private int turn;

    LiveHub(JsonMapper mapper, ApiProperties properties, MeterRegistry registry) {
        this.json = mapper.writerFor(StoredCheckin.class);
        this.maxClients = properties.maxListeners();
        this.maxBuffered = properties.listenerBuffer();
        this.heartbeatNanos = properties.heartbeat().toNanos();
        this.dropped = Counter.builder("checkin.api.listeners.dropped")
                .description("Clients that followed the stream and were dropped because they were too slow")
                .register(registry);
        registry.gauge("checkin.api.listeners", clients, Set::size);
    }

    /** @throws ErrorResponseException a problem, if there are as many clients as may be */
    void requireRoom() {
        if (clients.size() >= maxClients) {
            throw ProblemType.TOO_MANY_LISTENERS.exception();
        }
    }

    /** Takes a client on. */
    void join(LiveClient client) {
        StreamId now = position;
        if (client.position() == null && now != null) {
            client.moveTo(now); // what comes once it knows that it is connected is not to be missed
        }
        client.send(HEARTBEAT); // so that it sees that it is connected
        clients.add(client);
        if (closed) {
            client.close();
        }
    }

    void leave(LiveClient client) {
        clients.remove(client);
    }

    /**
     * Sends a page of what they missed to those who are behind and can take it, one after the other, for a moment. The next call goes on with those
     * who come after.
     *
     * @param between reads the entries from one id to another, both included, a page at most
     * @param end the highest id that the stream ever had
     * @param position up to where everything has been published
     * @return whether someone is still behind
     */
    boolean catchUp(
            BiFunction<StreamId, StreamId, List<StreamMessage<String, String>>> between,
            Supplier<StreamId> end,
            StreamId position) {
        this.position = position;
        List<LiveClient> behind = new ArrayList<>();
        for (LiveClient client : clients) {
            StreamId from = client.position();
            if (from == null || from.equals(position)) {
                client.moveTo(position); // it begins here
            } else if (from.compareTo(position) > 0) {
                if (from.compareTo(end.get()) > 0) { // else it saw, somewhere else, what is published here in a moment
                    send(client, GAP); // it knows an entry that the stream hasn't got
                    client.moveTo(position);
                }
            } else {
                behind.add(client);
            }
        }
        long start = System.nanoTime();
        for (int i = 0; i < behind.size() && System.nanoTime() - start < LONGEST_CATCHING_UP; i++) {
            LiveClient client = behind.get(Math.floorMod(turn++, behind.size()));
            StreamId from = client.position();
            if (from != null && client.buffered() == 0) { // else it reads slowly: the stream keeps the rest for it
                sendPage(client, between.apply(from, position), from, position);
            }
        }
        return !behind.isEmpty();
    }

    private void sendPage(
            LiveClient client, List<StreamMessage<String, String>> page, StreamId from, StreamId position) {
        boolean complete = from.equals(StreamId.ZERO)
                || (!page.isEmpty() && page.get(0).getId().equals(from.toString()));
        if (!complete) {
            send(client, GAP); // what it saw last has been trimmed, and who knows what after it
        }
        List<StreamMessage<String, String>> missed = page.stream()
                .filter(entry -> !entry.getId().equals(from.toString()))
                .toList();
        send(client, client.wanted(events(missed)));
        client.moveTo(
                missed.isEmpty()
                        ? position
                        : StreamId.parse(missed.get(missed.size() - 1).getId()));
    }

    /**
     * Sends new entries to those who are not behind.
     *
     * @param from the position before
     * @param upTo the position after
     */
    void publish(List<StreamMessage<String, String>> entries, StreamId from, StreamId upTo) {
        position = upTo;
        if (clients.isEmpty()) {
            return;
        }
        List<Event> events = events(entries);
        byte[] all = Event.join(events);
        for (LiveClient client : clients) {
            if (from.equals(client.position())) {
                send(client, client.wantsAll() ? all : client.wanted(events));
                client.moveTo(upTo);
            }
        }
    }

    /** Lets those hear something who have heard nothing for a while. */
    void tick() {
        long now = System.nanoTime();
        for (LiveClient client : clients) {
            if (now - client.lastSent() > heartbeatNanos) {
                send(client, HEARTBEAT);
            }
        }
    }

    private void send(LiveClient client, byte[] bytes) {
        if (bytes.length == 0) {
            return;
        }
        if (client.buffered() + bytes.length > maxBuffered + HEARTBEAT.length && client.buffered() > 0) {
            dropped.increment();
            client.close();
            clients.remove(client);
        } else {
            client.send(bytes);
        }
    }

    void open() {
        closed = false;
    }

    /** Ends all connections, and each that comes later. */
    void closeAll() {
        closed = true;
        clients.forEach(LiveClient::close);
        clients.clear();
    }

    private List<Event> events(List<StreamMessage<String, String>> entries) {
        List<Event> events = new ArrayList<>(entries.size());
        for (StreamMessage<String, String> entry : entries) {
            StoredCheckin checkin = StoredCheckin.from(entry);
            if (checkin != null) {
                String text = "id: " + checkin.id() + "\ndata: " + json.writeValueAsString(checkin) + "\n\n";
                events.add(new Event(checkin, text.getBytes(StandardCharsets.UTF_8)));
            }
        }
        return events;
    }

    /** A checkin, as it is sent. */
    static final class Event {

        private final StoredCheckin checkin;
        private final byte[] bytes;

        Event(StoredCheckin checkin, byte[] bytes) {
            this.checkin = checkin;
            this.bytes = bytes;
        }

        StoredCheckin checkin() {
            return checkin;
        }

        static byte[] join(List<Event> events) {
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            events.forEach(event -> joined.writeBytes(event.bytes));
            return joined.toByteArray();
        }
    }
}
