package io.ncc.checkin.demo.load;

import io.lettuce.core.KeyScanArgs;
import io.lettuce.core.KeyScanCursor;
import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisException;
import io.lettuce.core.RedisFuture;
import io.lettuce.core.ScanArgs;
import io.lettuce.core.ScoredValue;
import io.lettuce.core.ScoredValueScanCursor;
import io.ncc.checkin.demo.load.Targets.Target;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Keys;
import java.io.PrintWriter;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.LongFunction;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Makes the indexes agree with the users and locations that are in Redis, whoever wrote them. First each user and each location gets its entries, then
 * each entry without its user or location is removed. So what can be found before can be found all the while.
 *
 * <p>It works in steps of {@value #PAGE} and blocks nobody for longer than a step takes. Services and other loaders may run meanwhile. It can be
 * repeated, and completes what an earlier one didn't.
 */
final class IndexBuild {

    private static final int PAGE = 500;

    private static final Pattern HASH = Pattern.compile("(ncc:(?:\\{[^}]*}:)?)(users|locations):([1-9][0-9]{0,18})");
    private static final Pattern PLACES =
            Pattern.compile("(ncc:(?:\\{[^}]*}:)?)index:places:(?<category>.+)", Pattern.DOTALL);

    private final Targets targets;
    private final PrintWriter out;
    private long users;
    private long locations;
    private long removed;

    IndexBuild(Targets targets, PrintWriter out) {
        this.targets = targets;
        this.out = out;
    }

    /** @throws RedisException if Redis failed on the way */
    void run() {
        targets.all().stream()
                .collect(Collectors.groupingBy(IndexBuild::server)) // so that the keys of a server are scanned once
                .values()
                .forEach(this::build);
        out.println(String.format(
                Locale.ROOT,
                "%,d users and %,d locations indexed, %,d stale entries removed",
                users,
                locations,
                removed));
    }

    private static String server(Target target) {
        return target.redis()
                .info("server")
                .lines()
                .filter(line -> line.startsWith("run_id:"))
                .findFirst()
                .orElseThrow();
    }

    private void build(List<Target> onOneServer) {
        Map<String, Target> byPrefix = onOneServer.stream()
                .collect(Collectors.toMap(target -> target.keys().prefix(), Function.identity()));
        scan(onOneServer.get(0), "hash", "ncc:*", HASH, this::add, byPrefix);
        for (Target target : onOneServer) {
            Keys keys = target.keys();
            prune(target, keys.emails(), "email", IndexEntry::id, keys::user, IndexEntry::value);
            prune(target, keys.categories(), "category", IndexEntry::id, keys::location, IndexEntry::value);
            prune(target, keys.places(), "category", IndexEntry::idOfPlace, keys::location, member -> Optional.of(""));
        }
        scan(
                onOneServer.get(0),
                "zset",
                "ncc:*index:places:*",
                PLACES,
                (target, found) -> found.forEach(places -> prune(
                        target,
                        places.group(),
                        "category",
                        IndexEntry::idOfPlace,
                        target.keys()::location,
                        member -> Optional.of(places.group("category")))),
                byPrefix);
    }

    /** @param page is given the keys of a page that are of one partition */
    private static void scan(
            Target server,
            String type,
            String glob,
            Pattern pattern,
            BiConsumer<Target, List<Matcher>> page,
            Map<String, Target> byPrefix) {
        ScanArgs args = KeyScanArgs.Builder.type(type).match(glob).limit(PAGE);
        KeyScanCursor<String> cursor = server.redis().scan(args);
        while (true) {
            Map<Target, List<Matcher>> found = new HashMap<>();
            for (String key : cursor.getKeys()) {
                Matcher matcher = pattern.matcher(key);
                Target target = matcher.matches() ? byPrefix.get(matcher.group(1)) : null;
                if (target != null) {
                    found.computeIfAbsent(target, unused -> new ArrayList<>()).add(matcher);
                }
            }
            found.forEach(page);
            if (cursor.isFinished()) {
                return;
            }
            cursor = server.redis().scan(cursor, args);
        }
    }

    private void add(Target target, List<Matcher> hashes) {
        List<RedisFuture<?>> replies = new ArrayList<>();
        List<Long> places = new ArrayList<>();
        for (Matcher hash : hashes) {
            if (new BigInteger(hash.group(3)).bitLength() >= Long.SIZE) {
                continue; // no id
            }
            long id = Long.parseLong(hash.group(3));
            if (hash.group(2).equals("locations")) {
                places.add(id);
            } else if (targets.ofUser(id).equals(target)) {
                replies.add(Indexes.putUser(target, id, Indexes.Fields.NONE));
                users++;
            }
        }
        places.removeIf(id -> !targets.ofLocation(id).equals(target)); // others have a share of its checkins only
        replies.forEach(target::await);
        while (!places.isEmpty()) {
            places = addLocations(target, places);
        }
    }

    /** Returns those whose category was changed meanwhile. */
    private List<Long> addLocations(Target target, List<Long> ids) {
        Map<Long, RedisFuture<?>> replies = new HashMap<>();
        Indexes.categories(target, ids)
                .forEach((id, category) ->
                        replies.put(id, Indexes.putLocation(target, id, category, category, Indexes.Fields.NONE)));
        List<Long> changed = new ArrayList<>();
        replies.forEach((id, reply) -> {
            try {
                target.await(reply);
                locations++;
            } catch (RedisCommandExecutionException e) {
                if (!Indexes.isChanged(e)) {
                    throw e;
                }
                changed.add(id);
            }
        });
        return changed;
    }

    /**
     * Removes the entries of an index whose hashes don't have the value, and what is no entry.
     *
     * @param id of an entry; empty if it is none
     * @param hash of an id
     * @param value of an entry; empty text if any will do
     */
    private void prune(
            Target target,
            String index,
            String field,
            Function<String, Optional<Long>> id,
            LongFunction<String> hash,
            Function<String, Optional<String>> value) {
        ScanArgs args = ScanArgs.Builder.limit(PAGE);
        ScoredValueScanCursor<String> cursor = target.redis().zscan(index, args);
        while (true) {
            List<String> entries = new ArrayList<>();
            for (ScoredValue<String> member : cursor.getValues()) {
                if (id.apply(member.getValue()).isPresent()) {
                    entries.add(member.getValue());
                } else {
                    removed += target.redis().zrem(index, member.getValue());
                }
            }
            for (int from = 0; from < entries.size(); from += PAGE) {
                List<String> page = entries.subList(from, Math.min(from + PAGE, entries.size()));
                removed += target.await(Indexes.prune(
                        target,
                        index,
                        field,
                        page,
                        page.stream()
                                .map(entry -> hash.apply(id.apply(entry).orElseThrow()))
                                .toList(),
                        page.stream()
                                .map(entry -> value.apply(entry).orElseThrow())
                                .toList()));
            }
            if (cursor.isFinished()) {
                return;
            }
            cursor = target.redis().zscan(index, cursor, args);
        }
    }
}
