package io.ncc.checkin.processor;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.StreamMessage;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.checkin.service.LuaScript;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;

/** What the stream of checkins is made into: the totals of each user and location. Owns the script that does it. */
final class CheckinProjection {

    private final LuaScript script = LuaScript.of(CheckinProjection.class, "apply");
    private final Keys keys;

    CheckinProjection(Keys keys) {
        this.keys = keys;
    }

    /**
     * Applies and acknowledges entries that are pending in the group, in one script.
     *
     * @param entries ascending by id, which is what makes the last one of a user their last checkin
     */
    CompletionStage<Outcome> apply(
            RedisAsyncCommands<String, String> commands, List<StreamMessage<String, String>> entries) {
        Targets users = new Targets(keys::user);
        Targets locations = new Targets(keys::location);
        List<String> quads = new ArrayList<>(entries.size() * 4);
        List<Rejected> rejected = new ArrayList<>();
        for (StreamMessage<String, String> entry : entries) {
            try {
                Checkin checkin = CheckinCodec.decode(entry.getBody());
                quads.add(entry.getId());
                quads.add(users.number(checkin.userId()));
                quads.add(locations.number(checkin.locationId()));
                quads.add(Integer.toString(checkin.starRating()));
            } catch (UndecodableEntryException e) {
                rejected.add(new Rejected(entry.getId(), e.reason()));
            }
        }
        if (quads.isEmpty()) {
            return CompletableFuture.completedFuture(new Outcome(0, rejected));
        }
        List<String> scriptKeys = new ArrayList<>(1 + users.size() + locations.size());
        scriptKeys.add(keys.checkins());
        users.addKeysTo(scriptKeys);
        locations.addKeysTo(scriptKeys);
        List<String> args = new ArrayList<>(3 + users.size() + locations.size() + quads.size());
        args.add(Keys.GROUP);
        args.add(Integer.toString(users.size()));
        args.add(Integer.toString(locations.size()));
        users.addIdsTo(args);
        locations.addIdsTo(args);
        args.addAll(quads);
        return script.<List<Object>>run(
                        commands,
                        ScriptOutputType.MULTI,
                        scriptKeys.toArray(String[]::new),
                        args.toArray(String[]::new))
                .thenApply(reply -> outcome(reply, rejected));
    }

    private static Outcome outcome(List<Object> reply, List<Rejected> undecodable) {
        List<Rejected> rejected = new ArrayList<>(undecodable);
        List<?> left = (List<?>) reply.get(1);
        for (int i = 0; i < left.size(); i += 2) {
            rejected.add(new Rejected((String) left.get(i), (String) left.get(i + 1)));
        }
        return new Outcome((Long) reply.get(0), rejected);
    }

    /**
     * @param applied how many entries were applied and acknowledged
     * @param rejected those that can't be applied; they are still pending. An entry that is in neither was settled by someone else.
     */
    record Outcome(long applied, List<Rejected> rejected) {

        static final Outcome NOTHING = new Outcome(0, List.of());

        Outcome plus(Outcome other) {
            List<Rejected> all = new ArrayList<>(rejected);
            all.addAll(other.rejected);
            return new Outcome(applied + other.applied, all);
        }
    }

    record Rejected(String id, String reason) {}

    /** The distinct users, or locations, of a batch, numbered from 1 as they come. */
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
