package io.ncc.checkin.system.ledger;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.system.ledger.History.Epoch;
import io.ncc.checkin.testsupport.LiveFollower.Event;
import io.ncc.redis.StreamId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/**
 * Compares the events that a follower saw with the stream. After an event {@code gap}, the follower may resume anywhere. If it saw an entry that a
 * failover took back, it doesn't see later entries with lower ids.
 */
final class LiveCheck {

    /** The place of an entry: in which epoch, and the how manieth. */
    private record Place(int epoch, int index) {}

    private static final JsonMapper JSON = new JsonMapper();

    private final List<Map<String, Checkin>> checkins;
    private final List<List<String>> ids;
    private final Map<String, Place> places = new HashMap<>();
    private final boolean mayBeTakenBack;
    private final List<String> violations = new ArrayList<>();
    private @Nullable Place at;
    private StreamId hiddenUpTo = StreamId.ZERO;

    LiveCheck(List<Epoch> epochs, History history) {
        this.checkins = epochs.stream()
                .map(epoch -> epoch.checkins(history.partitions()))
                .toList();
        this.ids = checkins.stream().map(it -> List.copyOf(it.keySet())).toList();
        for (int epoch = 0; epoch < ids.size(); epoch++) {
            for (int index = 0; index < ids.get(epoch).size(); index++) {
                places.put(ids.get(epoch).get(index), new Place(epoch, index));
            }
        }
        this.mayBeTakenBack =
                history.strikes().stream().anyMatch(strike -> strike.weakened().contains(Promise.LIVE));
    }

    List<String> violations(List<Event> seen) {
        for (Event event : seen) {
            if (event.name().equals("gap")) {
                at = null;
            } else if (event.id() != null) {
                see(event.id(), Readers.checkin(JSON.readTree(event.data())));
            }
        }
        return violations;
    }

    private void see(String id, Checkin shown) {
        Place place = places.get(id);
        if (place == null || !shown.equals(checkins.get(place.epoch).get(id))) {
            if (!mayBeTakenBack) {
                violations.add(id + ' ' + shown + " was shown and is not in the stream");
            }
            hiddenUpTo = StreamId.parse(id);
            return;
        }
        if (at != null) {
            if (place.epoch < at.epoch || (place.epoch == at.epoch && place.index <= at.index)) {
                violations.add(id + " was shown after " + ids.get(at.epoch).get(at.index));
            }
            int expected = place.epoch == at.epoch ? at.index + 1 : 0;
            for (int i = expected; i < place.index; i++) {
                String missed = ids.get(place.epoch).get(i);
                if (StreamId.parse(missed).compareTo(hiddenUpTo) > 0) {
                    violations.add(missed + " was not shown before " + id);
                }
            }
        }
        at = place;
    }
}
