package io.ncc.checkin.processor;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.checkin.processor.engine.Batch;
import io.ncc.checkin.processor.engine.Entry;
import io.ncc.checkin.processor.engine.GroupKeys;
import io.ncc.checkin.processor.engine.Mode;
import io.ncc.checkin.processor.engine.Projection;
import io.ncc.checkin.service.LuaScript;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.LongFunction;

/** Checkins, made into the totals of each user and location by {@code apply.lua}. */
public final class CheckinProjection implements Projection {

    private static final String UNDECODABLE = "0";

    private final LuaScript script = LuaScript.of(CheckinProjection.class, "settled", "apply");
    private final Keys keys;
    private final GroupKeys groupKeys;
    private final Mode mode;

    public CheckinProjection(Keys keys, Mode mode) {
        this.keys = keys;
        this.groupKeys = GroupKeys.of(keys);
        this.mode = mode;
    }

    @Override
    public GroupKeys keys() {
        return groupKeys;
    }

    @Override
    public CompletionStage<Outcome> apply(RedisAsyncCommands<String, String> commands, Batch batch) {
        Targets users = new Targets(keys::user);
        Targets locations = new Targets(keys::location);
        List<String> quads = new ArrayList<>(batch.size() * 4);
        List<Rejected> undecodable = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            quads.add(entry.id());
            try {
                Checkin checkin = CheckinCodec.decode(entry.fields());
                quads.add(users.number(checkin.userId()));
                quads.add(locations.number(checkin.locationId()));
                quads.add(starsAndTime(checkin, entry));
            } catch (UndecodableEntryException e) {
                quads.addAll(List.of(UNDECODABLE, UNDECODABLE, UNDECODABLE));
                undecodable.add(new Rejected(entry.id(), e.reason()));
            }
        }
        if (undecodable.size() == batch.size()) {
            return CompletableFuture.completedFuture(new Outcome(0, 0, 0, undecodable));
        }
        List<String> scriptKeys = new ArrayList<>(5 + users.size() + locations.size());
        scriptKeys.addAll(Arrays.asList(groupKeys.state()));
        users.addKeysTo(scriptKeys);
        locations.addKeysTo(scriptKeys);
        List<String> args = new ArrayList<>(5 + users.size() + locations.size() + quads.size());
        args.add(groupKeys.group());
        args.add(mode.mustBePending());
        args.add(batch.contiguous() ? "1" : "0");
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
                .thenApply(reply -> outcome(reply, undecodable));
    }

    private static String starsAndTime(Checkin checkin, Entry entry) {
        String stars = Integer.toString(checkin.starRating());
        return entry.fields().containsKey(CheckinCodec.REPLAY_OF)
                ? stars + ' ' + CheckinCodec.timeOf(StreamId.parse(entry.id()), entry.fields())
                : stars;
    }

    private static Outcome outcome(List<Object> reply, List<Rejected> undecodable) {
        List<Rejected> rejected = new ArrayList<>(undecodable);
        List<?> left = (List<?>) reply.get(2);
        for (int i = 0; i < left.size(); i += 2) {
            rejected.add(new Rejected((String) left.get(i), (String) left.get(i + 1)));
        }
        return new Outcome((Long) reply.get(0), (Long) reply.get(1), 0, rejected);
    }

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
