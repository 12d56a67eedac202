package io.ncc.checkin.testsupport.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.ledger.Traffic.Accepted;
import java.io.UncheckedIOException;
import java.util.Collection;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Two clients of the API server: one reads what it wrote, the other the latest checkin. They keep each answer. */
final class Readers implements AutoCloseable {

    /**
     * A user, read after a checkin.
     *
     * @param numbers of the user, by name; empty unless the status is 200
     */
    record UserRead(long from, long to, Accepted after, int status, Map<String, Long> numbers, String lastCheckinId) {

        boolean isAnswered() {
            return status == 200;
        }

        long number(String name) {
            return numbers.getOrDefault(name, 0L);
        }
    }

    /** The latest checkin. */
    record LatestRead(long from, long to, String id, Checkin checkin) {}

    private static final int PAUSE_MILLIS = 20;
    private static final int END_SECONDS = 15;

    private final Queue<UserRead> users = new ConcurrentLinkedQueue<>();
    private final Queue<LatestRead> latest = new ConcurrentLinkedQueue<>();
    private final ExecutorService threads = Executors.newFixedThreadPool(2);
    private final String url;
    private volatile boolean over;

    Readers(int port, Traffic traffic) {
        this.url = "http://127.0.0.1:" + port;
        threads.execute(() -> again(() -> {
            Accepted accepted = traffic.recent();
            if (accepted != null) {
                readUser(accepted);
            }
        }));
        threads.execute(() -> again(this::readLatest));
    }

    private interface Step {
        void run() throws InterruptedException;
    }

    private void again(Step step) {
        while (!over) {
            try {
                step.run();
                Thread.sleep(PAUSE_MILLIS);
            } catch (UncheckedIOException e) {
                // it is down for a moment
            } catch (InterruptedException e) {
                return;
            }
        }
    }

    private void readUser(Accepted after) {
        long from = System.nanoTime();
        HttpAnswer answer = HttpAnswer.get(url + "/users/" + after.checkin().userId() + "?wait=2s&after=" + after.id());
        long to = System.nanoTime();
        if (answer.status() == 200) {
            JsonNode user = answer.json();
            Map<String, Long> numbers = Stream.of("numCheckins", "lastSeenAt")
                    .collect(Collectors.toMap(
                            name -> name, name -> user.path(name).asLong(0)));
            String lastCheckinId = user.path("lastCheckinId").asString("");
            users.add(new UserRead(from, to, after, 200, numbers, lastCheckinId));
        } else {
            users.add(new UserRead(from, to, after, answer.status(), Map.of(), ""));
        }
    }

    private void readLatest() {
        long from = System.nanoTime();
        HttpAnswer answer = HttpAnswer.get(url + "/checkins/latest");
        if (answer.status() == 200) {
            JsonNode json = answer.json();
            latest.add(new LatestRead(
                    from,
                    System.nanoTime(),
                    json.get("id").asString(),
                    new Checkin(
                            json.get("userId").asLong(),
                            json.get("locationId").asLong(),
                            json.get("starRating").asInt())));
        }
    }

    Collection<UserRead> users() {
        return users;
    }

    Collection<LatestRead> latest() {
        return latest;
    }

    /** How often ?after was answered with each status. */
    Map<Integer, Long> statuses() {
        return users.stream().collect(Collectors.groupingBy(UserRead::status, TreeMap::new, Collectors.counting()));
    }

    /** Lets them end what they are at. */
    @Override
    public void close() {
        over = true;
        threads.shutdown();
        try {
            threads.awaitTermination(END_SECONDS, TimeUnit.SECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
