package io.ncc.checkin.api.total;

import io.ncc.checkin.model.Partitions;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.IntFunction;
import org.springframework.stereotype.Component;

/** Reads locations. With partitions, what each partition has of one is added up. */
@Component
public final class LocationReader {

    private static final FieldNames FIELDS =
            FieldNames.of("id", "name", "category", "location", "numCheckins", "numStars", "averageStars");

    private static final FieldNames SHARE = FieldNames.of("id", "numCheckins", "numStars");

    /** Of one script, so that it blocks Redis for less than a millisecond. */
    private static final int MOST_AT_ONCE = 200;

    private final HashReader hashes;
    private final Partitions partitions;

    LocationReader(HashReader hashes, Partitions partitions) {
        this.hashes = hashes;
        this.partitions = partitions;
    }

    /** Empty if there is none with this id. Fails if a partition is away. */
    CompletionStage<Optional<Location>> read(long id) {
        int home = partitions.ofLocation(id);
        return partitions.count() == 1
                ? hashes.read(home, partitions.keys(home).location(id), FIELDS)
                        .thenApply(
                                fields -> fields.isEmpty() ? Optional.empty() : Optional.of(Location.from(id, fields)))
                : hashes.readAll(
                                partition -> partitions.keys(partition).location(id),
                                partition -> partition == home ? FIELDS : SHARE)
                        .thenApply(shares -> Optional.ofNullable(Location.sum(id, shares.get(home), shares)));
    }

    /**
     * Those of many that there are, by id. Each partition is asked once for every {@value #MOST_AT_ONCE}. Fails if a partition is away.
     *
     * @param ids different ones
     */
    public CompletionStage<Map<Long, Location>> read(List<Long> ids) {
        Map<Long, Location> found = new ConcurrentHashMap<>();
        List<CompletableFuture<Void>> pages = new ArrayList<>();
        for (int from = 0; from < ids.size(); from += MOST_AT_ONCE) {
            List<Long> page = ids.subList(from, Math.min(from + MOST_AT_ONCE, ids.size()));
            IntFunction<String[]> keys = partition -> page.stream()
                    .map(id -> partitions.keys(partition).location(id))
                    .toArray(String[]::new);
            pages.add(hashes.readMany(keys, FIELDS)
                    .thenAccept(shares -> addUp(page, shares, found))
                    .toCompletableFuture());
        }
        return CompletableFuture.allOf(pages.toArray(CompletableFuture[]::new)).thenApply(all -> found);
    }

    /** @param shares of each partition, in the order of the ids */
    private void addUp(List<Long> ids, List<List<HashReader.Fields>> shares, Map<Long, Location> found) {
        for (int i = 0; i < ids.size(); i++) {
            long id = ids.get(i);
            int index = i;
            List<HashReader.Fields> own =
                    shares.stream().map(share -> share.get(index)).toList();
            Location location = own.size() > 1
                    ? Location.sum(id, own.get(partitions.ofLocation(id)), own)
                    : own.get(0).isEmpty() ? null : Location.from(id, own.get(0));
            if (location != null) {
                found.put(id, location);
            }
        }
    }
}
