package io.ncc.checkin.api.live;

import io.micrometer.core.instrument.Counter;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStream;
import io.ncc.checkin.service.ProblemType;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
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

    private static final String HEARTBEAT = ":\n";
    private static final String GAP = "event: gap\ndata: {}\n";

    /** A heartbeat more than fits into a buffer doesn't make a client slow. */
    private static final int MOST_OF_A_HEARTBEAT = 50;

    /** How many bytes of the heap all clients may hold. */
    private static final long MOST_HELD = Runtime.getRuntime().maxMemory() / 4;

    /** In nanoseconds; meanwhile nobody is sent what is new. */
    private static final long LONGEST_CATCHING_UP = TimeUnit.MILLISECONDS.toNanos(50);

    private final Set<LiveClient> clients = ConcurrentHashMap.newKeySet();
    private final List<Consumer<List<LiveEntry>>> observers = new CopyOnWriteArrayList<>();
    private final ObjectWriter json;
    private final Counter dropped;
    private final int maxClients;
    private final int mostBuffered;
    private final long heartbeatNanos;

    /** Up to where everything has been published; null as long as the tail doesn't know. */
    private volatile @Nullable CheckinId position;

    private volatile List<Integer> away = List.of();
    private volatile boolean closed;

    /** Whose it is of those who are behind. */
    private int turn;

    LiveHub(JsonMapper mapper, ApiProperties properties, MeterRegistry registry) {
        this.json = mapper.writerFor(StoredCheckin.class);
        this.maxClients = properties.maxListeners();
        this.mostBuffered = properties.listenerBuffer() + MOST_OF_A_HEARTBEAT;
        this.heartbeatNanos = properties.heartbeat().toNanos();
        this.dropped = Counter.builder("checkin.api.listeners.dropped")
                .description("Clients that followed the stream and were dropped because they were too slow")
                .register(registry);
        registry.gauge("checkin.api.listeners", clients, Set::size);
    }

    /** The action gets all entries that are published, late ones, too; it must not wait for anything. */
    void whenPublished(Consumer<List<LiveEntry>> action) {
        observers.add(action);
    }

    /** @throws ErrorResponseException a problem, if there are as many clients as may be */
    void requireRoom() {
        if (clients.size() >= maxClients) {
            throw ProblemType.TOO_MANY_LISTENERS.exception();
        }
    }

    /** How many bytes may wait for a client. */
    int mostBuffered() {
        return mostBuffered;
    }

    /** Takes a client on. */
    void join(LiveClient client) {
        CheckinId now = position;
        if (client.position() == null && now != null) {
            client.moveTo(now); // what comes once it knows that it is connected is not to be missed
        }
        client.send(withPosition(HEARTBEAT, client.position())); // so that it sees that it is connected
        clients.add(client);
        client.whenClosed(() -> leave(client)); // now, if it has been closed already
        List<Integer> missing = away;
        if (!missing.isEmpty()) {
            client.send(awayEvent(missing));
        }
        if (closed) {
            client.close();
        }
    }

    private void leave(LiveClient client) {
        if (clients.remove(client) && client.isTooSlow()) {
            dropped.increment();
        }
    }

    /** What is in the stream, as those need it who are behind. */
    interface History {

        /** The entries from one id to another, both included, a page at most. */
        List<LiveEntry> between(CheckinId from, CheckinId to);

        /**
         * Whether nothing between an id and the page after it has been trimmed, or can't be read.
         *
         * @param page what {@link #between} gave
         */
        boolean isComplete(CheckinId from, List<LiveEntry> page);

        /**
         * An id below all entries that were appended after a time, and above most of the others.
         *
         * @param nanos the time, as {@link System#nanoTime} says it
         */
        CheckinId before(long nanos);

        /** Whether the stream never had this id, or a higher one. */
        boolean isBeyondEnd(CheckinId id);
    }

    /** With an id and without data it is no event, but a client comes back with that id. */
    private static byte[] withPosition(String text, @Nullable CheckinId position) {
        String id = position == null ? "" : "id: " + position + "\n";
        return (text + id + "\n").getBytes(StandardCharsets.US_ASCII);
    }

    /**
     * Sends a page of what they missed to those who are behind and can take it, one after the other, for a moment. The next call goes on with those
     * who come after.
     *
     * @param position up to where everything has been published
     * @return whether someone is still behind
     */
    boolean catchUp(History history, CheckinId position) {
        this.position = position;
        List<LiveClient> behind = new ArrayList<>();
        for (LiveClient client : clients) {
            CheckinId from = client.position();
            if (from == null) { // it came before the tail knew where the stream ended, and wants what has come since
                from = history.before(client.joined());
                from = from.compareTo(position) < 0 ? from : position;
                client.moveTo(from);
            }
            if (from.compareTo(position) > 0) {
                if (history.isBeyondEnd(from)) { // else it saw, somewhere else, what is published here in a moment
                    send(client, withPosition(GAP, position)); // it knows an entry that the stream hasn't got
                    client.moveTo(position);
                }
            } else if (!from.equals(position)) {
                behind.add(client);
            }
        }
        long start = System.nanoTime();
        int unable = 0; // in a row
        while (unable < behind.size()
                && EventStream.heldByAll() < MOST_HELD / 2 // else it is for what is new
                && System.nanoTime() - start < LONGEST_CATCHING_UP) {
            turn = Math.floorMod(turn + 1, behind.size());
            LiveClient client = behind.get(turn);
            CheckinId from = client.position();
            if (from == null || from.equals(position)) {
                behind.remove(turn);
            } else if (client.buffered() > 0) {
                unable++; // it reads slowly: the stream keeps the rest for it
            } else {
                unable = 0;
                sendPage(client, history, from, position);
            }
        }
        return !behind.isEmpty();
    }

    private void sendPage(LiveClient client, History history, CheckinId from, CheckinId position) {
        List<LiveEntry> page = history.between(from, position);
        if (!history.isComplete(from, page)) {
            send(client, withPosition(GAP, page.isEmpty() ? position : from));
        }
        List<LiveEntry> missed =
                page.stream().filter(entry -> !entry.id().equals(from)).toList();
        client.moveTo(
                missed.isEmpty() ? position : missed.get(missed.size() - 1).id());
        byte[] wanted = client.wanted(events(missed, true));
        // of many entries of others it keeps at least where it is
        send(client, wanted.length > 0 || missed.isEmpty() ? wanted : withPosition(HEARTBEAT, client.position()));
    }

    /**
     * Sends new entries to those who are not behind.
     *
     * @param from the position before
     * @param upTo the position after
     * @param missed whether something before them is missing
     */
    void publish(List<LiveEntry> entries, CheckinId from, CheckinId upTo, boolean missed) {
        position = upTo;
        observers.forEach(observer -> observer.accept(entries));
        if (clients.isEmpty()) {
            return;
        }
        List<Event> events = events(entries, true);
        byte[] all = null;
        for (LiveClient client : clients) {
            if (from.equals(client.position())) {
                if (missed) {
                    send(client, withPosition(GAP, from));
                }
                if (client.wantsAll() && all == null) {
                    all = Event.join(events);
                }
                client.moveTo(upTo);
                if (client.wantsAll() && all != null) {
                    sendShared(client, all);
                } else {
                    send(client, client.wanted(events));
                }
            }
        }
    }

    /**
     * Sends entries that came too late for their place, to those who are past it. Their ids are not sent, so that a client comes back where it was.
     */
    void publishLate(List<LiveEntry> entries) {
        observers.forEach(observer -> observer.accept(entries));
        List<Event> events = events(entries, false);
        for (LiveClient client : clients) {
            CheckinId passed = client.position();
            if (passed != null) {
                send(
                        client,
                        client.wanted(events.stream()
                                .filter(event -> event.checkin().id().compareTo(passed) <= 0)
                                .toList()));
            }
        }
    }

    /** Says without which partitions the stream goes on. */
    void away(List<Integer> partitions) {
        away = partitions;
        clients.forEach(client -> send(client, awayEvent(partitions)));
    }

    private static byte[] awayEvent(List<Integer> partitions) {
        return ("event: away\ndata: {\"partitions\":" + partitions + "}\n\n").getBytes(StandardCharsets.US_ASCII);
    }

    /** Says to all that something may be missing. */
    void gap() {
        clients.forEach(client -> send(client, withPosition(GAP, client.position())));
    }

    /** Lets those hear something who have heard nothing for a while, and disconnects those who hold most if all together hold too much. */
    void tick() {
        while (EventStream.heldByAll() > MOST_HELD) {
            Optional<LiveClient> most = clients.stream()
                    .filter(client -> client.held() > 0)
                    .max(Comparator.comparingLong(LiveClient::held));
            if (most.isEmpty()) {
                break; // others hold it: the pages of the console
            }
            most.get().closeAsTooSlow();
        }
        long now = System.nanoTime();
        for (LiveClient client : clients) {
            if (now - client.lastSent() > heartbeatNanos) {
                send(client, withPosition(HEARTBEAT, client.position()));
            }
        }
    }

    private static void send(LiveClient client, byte[] bytes) {
        if (bytes.length > 0) {
            client.send(bytes);
        }
    }

    private static void sendShared(LiveClient client, byte[] bytes) {
        if (bytes.length > 0) {
            client.sendShared(bytes);
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

    private List<Event> events(List<LiveEntry> entries, boolean withIds) {
        List<Event> events = new ArrayList<>(entries.size());
        for (LiveEntry entry : entries) {
            StoredCheckin checkin = StoredCheckin.from(entry.id(), entry.fields());
            if (checkin != null) {
                events.add(new Event(checkin, withIds, json));
            }
        }
        return events;
    }

    /** A checkin to send. It becomes text when the first client wants it. */
    static final class Event {

        private final StoredCheckin checkin;
        private final boolean withId;
        private final ObjectWriter json;
        private byte @Nullable [] bytes;

        Event(StoredCheckin checkin, boolean withId, ObjectWriter json) {
            this.checkin = checkin;
            this.withId = withId;
            this.json = json;
        }

        StoredCheckin checkin() {
            return checkin;
        }

        private byte[] bytes() {
            byte[] known = bytes;
            if (known == null) {
                String id = withId ? "id: " + checkin.id() + '\n' : "";
                String text = id + "data: " + json.writeValueAsString(checkin) + "\n\n";
                known = text.getBytes(StandardCharsets.UTF_8);
                bytes = known;
            }
            return known;
        }

        static byte[] join(List<Event> events) {
            ByteArrayOutputStream joined = new ByteArrayOutputStream();
            events.forEach(event -> joined.writeBytes(event.bytes()));
            return joined.toByteArray();
        }
    }
}
