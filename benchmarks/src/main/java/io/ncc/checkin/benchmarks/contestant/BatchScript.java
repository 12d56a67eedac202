package io.ncc.checkin.benchmarks.contestant;

import io.lettuce.core.RedisFuture;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.checkin.processor.CheckinProjection;
import io.ncc.checkin.processor.Sums;
import io.ncc.engine.Entry;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A script that applies a batch of checkins, and the call of it. */
public enum BatchScript {
    /** The processor's. */
    PROCESSOR {
        @Override
        String text() {
            return read("settled") + read("settle") + read("apply");
        }

        @Override
        void addKeysAndArgs(List<String> call, List<Entry> batch) {
            Sums sums = new Sums();
            batch.forEach(entry -> sums.add(entry, decode(entry)));
            List<String> own = sums.keys(KEYS);
            call.add(Integer.toString(5 + own.size()));
            call.addAll(List.of(KEYS.checkins(), KEYS.checkpoint(), KEYS.settledRanges(), KEYS.totals(), KEYS.probe()));
            call.addAll(own);
            call.addAll(List.of(Keys.GROUP, "1", "1", Integer.toString(batch.size()), ""));
            batch.forEach(entry -> call.add(entry.id()));
            call.addAll(sums.args());
        }
    },

    /** One that keeps a single promise: what its XACK finds pending counts once. */
    MINIMAL {
        @Override
        String text() {
            return read("minimal");
        }

        // Writes what the fold has and the script leaves out.
        @Override
        void prepare(RedisAsyncCommands<String, String> redis, List<Entry> batch) {
            Map<String, Map<String, String>> hashes = new LinkedHashMap<>();
            for (Entry entry : batch) {
                Checkin checkin = decode(entry);
                String user = Long.toString(checkin.userId());
                String location = Long.toString(checkin.locationId());
                hashes.put(KEYS.user(checkin.userId()), Map.of("id", user, "lastCheckinId", entry.id()));
                hashes.put(KEYS.location(checkin.locationId()), Map.of("id", location));
            }
            // All at once: to wait for each reply would take longer than all else that is done with a large backlog.
            List<RedisFuture<Long>> replies = new ArrayList<>();
            hashes.forEach((key, fields) -> replies.add(redis.hset(key, fields)));
            replies.forEach(reply -> reply.toCompletableFuture().join());
        }

        @Override
        void addKeysAndArgs(List<String> call, List<Entry> batch) {
            Map<Long, Integer> users = new LinkedHashMap<>();
            Map<Long, Integer> locations = new LinkedHashMap<>();
            List<String> entries = new ArrayList<>();
            for (Entry entry : batch) {
                Checkin checkin = decode(entry);
                entries.add(number(users, checkin.userId()));
                entries.add(number(locations, checkin.locationId()));
                entries.add(Integer.toString(checkin.starRating()));
            }
            call.add(Integer.toString(1 + users.size() + locations.size()));
            call.add(KEYS.checkins());
            users.keySet().forEach(id -> call.add(KEYS.user(id)));
            locations.keySet().forEach(id -> call.add(KEYS.location(id)));
            call.addAll(List.of(Keys.GROUP, Integer.toString(batch.size()), Integer.toString(users.size())));
            batch.forEach(entry -> call.add(entry.id()));
            locations.keySet().forEach(id -> call.add(Long.toString(id)));
            call.addAll(entries);
        }
    };

    private static final Keys KEYS = Keys.unpartitioned();

    abstract String text();

    /** What is not measured. */
    void prepare(RedisAsyncCommands<String, String> redis, List<Entry> batch) {}

    /** Adds what follows the digest in an EVALSHA. */
    abstract void addKeysAndArgs(List<String> call, List<Entry> batch);

    private static String read(String name) {
        try (InputStream in = CheckinProjection.class.getResourceAsStream("/lua/" + name + ".lua")) {
            if (in == null) {
                throw new IOException(name + ".lua is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8) + '\n';
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Checkin decode(Entry entry) {
        try {
            return CheckinCodec.decode(entry.fields());
        } catch (UndecodableEntryException e) {
            throw new IllegalStateException(e);
        }
    }

    private static String number(Map<Long, Integer> numbers, long id) {
        return Integer.toString(numbers.computeIfAbsent(id, unknown -> numbers.size() + 1));
    }
}
