package io.ncc.checkin.api.board;

/** A sorted set of a partition: the ids of users or locations, with a number for each. */
record Board(int partition, String key) {}
