package io.ncc.checkin.processor;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.engine.Entry;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** What a batch comes to for each of its users and locations: the own keys and arguments of {@code apply.lua}. */
public final class Sums {

    private final Map<Long, User> users = new LinkedHashMap<>();
    private final Map<Long, Location> locations = new LinkedHashMap<>();
    private final JsonArray entries = new JsonArray();
    private int size;

    /** Adds the next entry of the batch. */
    public void add(Entry entry, Checkin checkin) {
        size++;
        int stars = checkin.starRating();
        Location location = locations.computeIfAbsent(checkin.locationId(), id -> new Location(locations.size() + 1));
        location.count++;
        location.stars += stars;
        User user =
                users.computeIfAbsent(checkin.userId(), id -> new User(users.size() + 1, entry, size, location.number));
        user.add(entry, size, location.number);
        entries.add(user.number).add(location.number);
        if (entry.isReplay()) {
            entries.add(stars + " " + entry.time());
        } else {
            entries.add(stars);
        }
    }

    /** Keeps the place of the next entry of the batch, which can't be decoded. */
    void skip() {
        size++;
        entries.add(0).add(0).add(0);
    }

    public List<String> keys(Keys keys) {
        List<String> all = new ArrayList<>(users.size() + locations.size());
        users.keySet().forEach(id -> all.add(keys.user(id)));
        locations.keySet().forEach(id -> all.add(keys.location(id)));
        return all;
    }

    public List<String> args() {
        JsonArray sums = new JsonArray();
        for (User user : users.values()) {
            sums.add(user.count);
            if (user.newest.isReplay()) {
                sums.add(user.newest.time().toString());
            } else {
                sums.add(user.newestNumber);
            }
            sums.add(user.newestLocation);
        }
        for (Location location : locations.values()) {
            sums.add(location.count).add(location.stars);
        }
        return List.of(Integer.toString(users.size()), sums.toString(), entries.toString());
    }

    private static final class User {

        private final int number;
        private int count;
        private Entry newest;
        private int newestNumber;
        private int newestLocation;

        User(int number, Entry first, int firstNumber, int firstLocation) {
            this.number = number;
            newest = first;
            newestNumber = firstNumber;
            newestLocation = firstLocation;
        }

        void add(Entry entry, int entryNumber, int location) {
            count++;
            // a replay took place earlier than its id says, any other entry after all those before it
            if (!entry.isReplay() || entry.time().compareTo(newest.time()) > 0) {
                newest = entry;
                newestNumber = entryNumber;
                newestLocation = location;
            }
        }
    }

    private static final class Location {

        private final int number;
        private int count;
        private int stars;

        Location(int number) {
            this.number = number;
        }
    }
}
