package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.system.ledger.History.Epoch;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares the events that a follower saw with the streams. After an event {@code gap}, the follower may resume anywhere. If it saw an entry that a
 * failover took back, it doesn't see later entries of that partition with lower ids. While partitions are away, as an event says, the others go on:
 * what these have comes later, without an id, and not at all for who reconnects then.
 */
final class LiveCheck {

    /** Of the event that stands for the moment between two connections. */
    static final String RECONNECTED = "reconnected";

    private static final JsonMapper JSON = new JsonMapper();

    private final Map<Integer, OfPartition> partitions = new HashMap<>();
    private final boolean mayBeTakenBack;
    private final List<String> violations = new ArrayList<>();
    private final Set<Integer> away = new HashSet<>();
    private @Nullable EntryId highest;

    LiveCheck(List<Epoch> epochs, History history) {
        this.mayBeTakenBack =
                history.strikes().stream().anyMatch(strike -> strike.weakened().contains(Promise.LIVE));
        for (int partition : history.partitions().all()) {
            partitions.put(
                    partition,
                    new OfPartition(epochs.stream()
                            .filter(epoch -> epoch.partition() == partition)
                            .map(epoch -> epoch.checkins(history.partitions()))
                            .toList()));
        }
    }

    List<String> violations(List<Event> seen) {
        for (Event event : seen) {
            switch (event.name()) {
                case "gap" -> {
                    partitions.values().forEach(OfPartition::resumeAnywhere);
                    highest = null;
                }
                case "away" -> {
                    away.clear();
                    JSON.readTree(event.data()).get("partitions").forEach(partition -> away.add(partition.asInt()));
                }
                case RECONNECTED -> away.forEach(partition -> of(partition).resumeAnywhere());
                case "message" -> see(event);
                default -> {
                    // a heartbeat
                }
            }
        }
        return violations;
    }

    private OfPartition of(int partition) {
        return Objects.requireNonNull(partitions.get(partition));
    }

    private void see(Event event) {
        JsonNode json = JSON.readTree(event.data());
        String text = event.id() == null ? json.get("id").asString() : event.id();
        EntryId id = EntryId.parse(text);
        if (event.id() != null) {
            EntryId before = highest;
            if (before != null && before.partition() != id.partition() && id.compareTo(before) <= 0) {
                violations.add(id + " was shown after " + before);
            }
            highest = id;
        }
        of(id.partition()).see(text, Readers.checkin(json));
    }

    /** The place of an entry: in which epoch, and the how manieth. */
    private record Place(int epoch, int index) {}

    /** What was seen of a partition: everything once, and in order. */
    private final class OfPartition {

        private final List<Map<String, Checkin>> checkins;
        private final List<List<String>> ids;
        private final Map<String, Place> places = new HashMap<>();
        private @Nullable Place at;
        private EntryId hiddenUpTo = new EntryId(StreamId.ZERO, 0);

        /** @param checkins at the end of each epoch */
        OfPartition(List<Map<String, Checkin>> checkins) {
            this.checkins = checkins;
            this.ids = checkins.stream().map(it -> List.copyOf(it.keySet())).toList();
            for (int epoch = 0; epoch < ids.size(); epoch++) {
                for (int index = 0; index < ids.get(epoch).size(); index++) {
                    places.put(ids.get(epoch).get(index), new Place(epoch, index));
                }
            }
        }

        void resumeAnywhere() {
            at = null;
        }

        void see(String id, Checkin shown) {
            Place place = places.get(id);
            if (place == null || !shown.equals(checkins.get(place.epoch).get(id))) {
                if (!mayBeTakenBack) {
                    violations.add(id + ' ' + shown + " was shown and is not in the stream");
                }
                hiddenUpTo = EntryId.parse(id);
                return;
            }
            if (at != null) {
                if (place.epoch < at.epoch || (place.epoch == at.epoch && place.index <= at.index)) {
                    violations.add(id + " was shown after " + ids.get(at.epoch).get(at.index));
                }
                int expected = place.epoch == at.epoch ? at.index + 1 : 0;
                for (int i = expected; i < place.index; i++) {
                    String missed = ids.get(place.epoch).get(i);
                    if (EntryId.parse(missed).compareTo(hiddenUpTo) > 0) {
                        violations.add(missed + " was not shown before " + id);
                    }
                }
            }
            at = place;
        }
    }
}
