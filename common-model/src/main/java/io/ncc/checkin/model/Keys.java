package io.ncc.checkin.model;

/**
 * Every Redis key of the product; no key is put together anywhere else.
 *
 * <p>The names of the unpartitioned keys are a contract with other programs. With {@linkplain Partitions partitions}, each key carries the
 * hash tag of its partition, so that a script's keys are in one Redis Cluster slot.
 */
public final class Keys {

    /** The processor's consumer group. A constant: two names in use at once would apply every checkin twice. */
    public static final String GROUP = "checkinConsumers";

    private final String prefix;

    private Keys(String prefix) {
        this.prefix = prefix;
    }

    /** The keys of a system without partitions, which is the default. */
    public static Keys unpartitioned() {
        return new Keys("ncc:");
    }

    /** The keys of a partition. */
    static Keys withTag(String tag) {
        return new Keys("ncc:{" + tag + "}:");
    }

    /** Stream: the checkins. */
    public String checkins() {
        return prefix + "checkins";
    }

    /** Hash: a user with the totals of their checkins. */
    public String user(long id) {
        return prefix + "users:" + id;
    }

    /** Hash: a location with the totals of its checkins. */
    public String location(long id) {
        return prefix + "locations:" + id;
    }

    /** String: every entry up to and including this id is settled. */
    public String checkpoint() {
        return prefix + "checkinprocessor:lastid";
    }

    /** Sorted set: ranges of ids that are settled above the checkpoint. */
    public String settledRanges() {
        return prefix + "checkinprocessor:applied";
    }

    /** Hash: how many entries were applied, dead-lettered, lost and skipped, counted by the scripts. */
    public String totals() {
        return prefix + "checkinprocessor:totals";
    }

    /** Stream: dead letters. */
    public String deadLetters() {
        return prefix + "checkins:dead";
    }

    /** Hash: the id of an entry to the id of its dead letter, or to what became of that. */
    public String deadLetterIds() {
        return prefix + "checkins:dead:ids";
    }

    /** Hash: the group of each projection of the checkins to its checkpoint. */
    public String projections() {
        return prefix + "checkins:projections";
    }

    /** Of no lasting content: where the processor tries out what it may do. */
    public String probe() {
        return prefix + "checkinprocessor:probe";
    }

    /** String: the number of partitions. Only partitioned keys have it. */
    public String partitions() {
        return prefix + "partitions";
    }

    /** String: the result of a request that carried this {@code Idempotency-Key}. The empty one is for trying out whether it can be written. */
    public String idempotency(String key) {
        return prefix + "idempotency:" + key;
    }
}
