package io.ncc.checkin.system.ledger;

import static org.awaitility.Awaitility.await;

import io.ncc.checkin.testsupport.LiveFollower;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A client that follows the stream. When its connection ends, it reconnects and resumes where it was. */
final class Follower implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(60);
    private static final int PAUSE_MILLIS = 50;

    private final List<LiveFollower> sessions = new ArrayList<>(); // guarded by itself
    private final String url;
    private final Thread thread;
    private volatile boolean over;

    /** Returns when it is connected. */
    Follower(int port) {
        this.url = "http://127.0.0.1:" + port + "/checkins/stream";
        sessions.add(LiveFollower.follow(url, null));
        this.thread = new Thread(this::follow, "follower");
        thread.setDaemon(true);
        thread.start();
    }

    private void follow() {
        while (!over) {
            try {
                if (last().hasEnded()) {
                    LiveFollower next = LiveFollower.follow(url, lastId());
                    synchronized (sessions) {
                        sessions.add(next);
                    }
                }
                Thread.sleep(PAUSE_MILLIS);
            } catch (UncheckedIOException | AssertionError e) {
                // it is down for a moment, or stops
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private LiveFollower last() {
        synchronized (sessions) {
            return sessions.get(sessions.size() - 1);
        }
    }

    private @Nullable String lastId() {
        String id = null;
        for (LiveFollower.Event event : events()) {
            id = event.id() == null ? id : event.id();
        }
        return id;
    }

    /** All that it has seen, in order, with an event between two connections. */
    List<LiveFollower.Event> events() {
        List<LiveFollower.Event> events = new ArrayList<>();
        synchronized (sessions) {
            for (LiveFollower session : sessions) {
                if (!events.isEmpty()) {
                    events.add(new LiveFollower.Event(LiveCheck.RECONNECTED, null, "{}"));
                }
                events.addAll(session.events());
            }
        }
        return events;
    }

    String summary() {
        synchronized (sessions) {
            return "followed " + events().size() + " events over " + sessions.size() + " connections";
        }
    }

    /** Fails if it isn't shown the entry in time, nor told last of a gap, after which nothing may come. */
    void awaitSeen(String id) {
        await("the follower to see " + id).atMost(LIMIT).until(() -> id.equals(lastId()) || endsWithGap());
    }

    private boolean endsWithGap() {
        List<String> names = events().stream()
                .map(LiveFollower.Event::name)
                .filter(name -> name.equals("gap") || name.equals("message"))
                .toList();
        return !names.isEmpty() && names.get(names.size() - 1).equals("gap");
    }

    @Override
    public void close() {
        over = true;
        try {
            thread.join(LIMIT.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        synchronized (sessions) {
            sessions.forEach(LiveFollower::close);
        }
    }
}
