package io.ncc.checkin.demo.load;

import java.util.List;

/**
 * What is to be loaded, already checked.
 *
 * @param users with unique ids
 * @param locations with unique ids
 * @param checkins in strictly ascending order of their ids
 */
public record Dataset(List<User> users, List<Location> locations, List<RecordedCheckin> checkins) {}
