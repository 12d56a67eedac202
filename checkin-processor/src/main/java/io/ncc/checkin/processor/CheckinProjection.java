package io.ncc.checkin.processor;

import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.GroupKeys;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;
import io.ncc.engine.ProjectionScript;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;

/** Keeps the totals of each user and location, with {@code apply.lua}. */
public final class CheckinProjection implements Projection {

    /** Placeholders for an entry that can't be decoded: the script expects three arguments for every entry. */
    private static final List<String> NO_ARGUMENTS = List.of("", "", "");

    private final ProjectionScript script;
    private final Keys keys;

    public CheckinProjection(Keys keys, Mode mode) {
        this.script = new ProjectionScript(CheckinProjection.class, "apply", groupKeys(keys), mode);
        this.keys = keys;
    }

    /** The processor's group, and the keys of its state. */
    public static GroupKeys groupKeys(Keys keys) {
        return new GroupKeys(
                keys.checkins(),
                Keys.GROUP,
                keys.checkpoint(),
                keys.settledRanges(),
                keys.totals(),
                keys.deadLetters(),
                keys.deadLetterIds(),
                keys.probe());
    }

    @Override
    public GroupKeys keys() {
        return script.keys();
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        Targets users = new Targets(keys::user);
        Targets locations = new Targets(keys::location);
        List<String> entries = new ArrayList<>(3 * batch.size());
        List<Rejected> undecodable = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            try {
                Checkin checkin = CheckinCodec.decode(entry.fields());
                entries.add(users.number(checkin.userId()));
                entries.add(locations.number(checkin.locationId()));
                entries.add(starsAndTime(checkin, entry));
            } catch (UndecodableEntryException e) {
                entries.addAll(NO_ARGUMENTS);
                undecodable.add(new Rejected(entry.id(), e.reason()));
            }
        }
        List<String> ownKeys = new ArrayList<>(users.size() + locations.size());
        users.addKeysTo(ownKeys);
        locations.addKeysTo(ownKeys);
        List<String> ownArgs = new ArrayList<>(2 + ownKeys.size() + entries.size());
        ownArgs.add(Integer.toString(users.size()));
        ownArgs.add(Integer.toString(locations.size()));
        users.addIdsTo(ownArgs);
        locations.addIdsTo(ownArgs);
        ownArgs.addAll(entries);
        return script.run(commands, batch, undecodable, ownKeys, ownArgs);
    }

    private static String starsAndTime(Checkin checkin, Entry entry) {
        String stars = Integer.toString(checkin.starRating());
        return entry.isReplay() ? stars + ' ' + entry.time() : stars;
    }

    /** The distinct users, or locations, of a batch, numbered from 1 in the order in which they appear. */
    private static final class Targets {

        private final LongFunction<String> key;
        private final Map<Long, String> numbers = new LinkedHashMap<>();

        Targets(LongFunction<String> key) {
            this.key = key;
        }

        String number(long id) {
            return numbers.computeIfAbsent(id, unknown -> Integer.toString(numbers.size() + 1));
        }

        int size() {
            return numbers.size();
        }

        void addKeysTo(List<String> list) {
            numbers.keySet().forEach(id -> list.add(key.apply(id)));
        }

        void addIdsTo(List<String> list) {
            numbers.keySet().forEach(id -> list.add(Long.toString(id)));
        }
    }
}
