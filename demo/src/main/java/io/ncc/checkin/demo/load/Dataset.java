package io.ncc.checkin.demo.load;

import java.util.List;

/**
 * What is to be loaded, already checked.
 *
 * @param users with unique ids
 * @param locations with unique ids
 * @param details with unique ids
 * @param checkins in strictly ascending order of their ids
 */
public record Dataset(
        List<User> users, List<Location> locations, List<LocationDetails> details, List<RecordedCheckin> checkins) {

    /** Without details of locations. */
    Dataset(List<User> users, List<Location> locations, List<RecordedCheckin> checkins) {
        this(users, locations, List.of(), checkins);
    }
}
