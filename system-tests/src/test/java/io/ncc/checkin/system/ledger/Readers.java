package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.system.ledger.Traffic.Accepted;
import io.ncc.checkin.testsupport.HttpAnswer;
import java.io.UncheckedIOException;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** Two clients of the API server: one reads its writes, the other the latest checkin. They record each answer. At the end they read everything. */
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
    private static final int STATUS_OF_EACH = 50;

    /** While there are faults: also nothing there yet, and Redis being away. */
    private static final Set<Integer> UNDERSTANDABLE = Set.of(200, 404, 503);

    private final Queue<UserRead> users = new ConcurrentLinkedQueue<>();
    private final Queue<LatestRead> latest = new ConcurrentLinkedQueue<>();
    private final Queue<String> surprises = new ConcurrentLinkedQueue<>();
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
            } catch (RuntimeException e) {
                surprises.add("an answer that can't be read: " + e);
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
            latest.add(new LatestRead(from, System.nanoTime(), json.get("id").asString(), checkin(json)));
        } else if (!UNDERSTANDABLE.contains(answer.status())) {
            surprises.add("the latest checkin was answered with " + answer.status() + ": " + answer.body());
        }
    }

    /**
     * Reads everything, once nothing changes any more.
     *
     * @param totals what there is, by path
     * @param checkins in their order
     * @return what the API server says of it, and isn't so
     */
    List<String> differences(Map<String, Map<String, String>> totals, Map<String, Checkin> checkins) {
        List<String> differences = new ArrayList<>();
        totals.forEach((path, hash) -> {
            JsonNode shown = HttpAnswer.get(url + path).json();
            hash.forEach((name, value) -> {
                if (!value.equals(shown.path(name).asString(""))) {
                    differences.add(path + " says " + shown + ", and " + name + " is " + value);
                }
            });
        });
        Map<String, Checkin> all = new LinkedHashMap<>();
        String page = "/checkins?limit=1000&order=asc";
        while (page != null) {
            JsonNode json = HttpAnswer.get(url + page).json();
            json.get("items").forEach(item -> all.put(item.get("id").asString(), checkin(item)));
            page = json.get("next").asString(null);
        }
        if (!List.copyOf(all.entrySet()).equals(List.copyOf(checkins.entrySet()))) {
            differences.add("the pages of /checkins show " + all.size() + " checkins, and there are " + checkins.size()
                    + ", or others");
        }
        int number = 0;
        for (String id : checkins.keySet()) {
            if (number++ % STATUS_OF_EACH == 0) {
                JsonNode json = HttpAnswer.get(url + "/checkins/" + id).json();
                if (!json.path("status").asString("").equals("applied")) {
                    differences.add(id + " is settled, and the API says " + json);
                }
            }
        }
        return differences;
    }

    /** As the API shows one, wherever it does. */
    static Checkin checkin(JsonNode json) {
        return new Checkin(
                json.get("userId").asLong(),
                json.get("locationId").asLong(),
                json.get("starRating").asInt());
    }

    Collection<UserRead> users() {
        return users;
    }

    Collection<LatestRead> latest() {
        return latest;
    }

    /** Answers that there should not be. */
    Collection<String> surprises() {
        return surprises;
    }

    /** How often ?after was answered with each status, and how often the latest was read. */
    String summary() {
        Map<Integer, Long> statuses =
                users.stream().collect(Collectors.groupingBy(UserRead::status, TreeMap::new, Collectors.counting()));
        return "?after " + statuses + ", latest " + latest.size();
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
