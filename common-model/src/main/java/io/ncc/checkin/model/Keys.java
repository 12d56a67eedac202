package io.ncc.checkin.model;

import java.time.Instant;

/**
 * Every Redis key of the product; no key is put together anywhere else.
 *
 * <p>The names of the unpartitioned keys are a contract with other programs. With {@linkplain Partitions partitions}, each key carries the
 * hash tag of its partition, so that a script's keys are in one Redis Cluster slot.
 */
public final class Keys {

    /** The processor's consumer group. A constant: two names in use at once would apply every checkin twice. */
    public static final String GROUP = "checkinConsumers";

    /** The consumer group that makes the boards. */
    public static final String BOARDS_GROUP = "checkinBoards";

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

    /** What all of these keys begin with, and no others. */
    public String prefix() {
        return prefix;
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

    /** Sorted set: the number of checkins of each user. */
    public String userBoard() {
        return prefix + "boards:users";
    }

    /** Sorted set: the number of checkins of each user in the hours of {@link #boardHours}. */
    public String userDayBoard() {
        return userBoard() + ":24h";
    }

    /** Sorted set: the number of checkins of each user in one hour. */
    public String userBoard(Instant hour) {
        return userBoard() + ':' + nameOf(hour);
    }

    /** Sorted set: the number of checkins of each location. */
    public String locationBoard() {
        return prefix + "boards:locations";
    }

    /** Sorted set: the number of checkins of each location in the hours of {@link #boardHours}. */
    public String locationDayBoard() {
        return locationBoard() + ":24h";
    }

    /** Sorted set: the number of checkins of each location in one hour. */
    public String locationBoard(Instant hour) {
        return locationBoard() + ':' + nameOf(hour);
    }

    /** Sorted set: the sum of the stars of each location. */
    public String starBoard() {
        return prefix + "boards:stars";
    }

    /** Sorted set: the names of the hours that have boards, with their starts in seconds since 1970: the current hour and the 23 before it. */
    public String boardHours() {
        return prefix + "boards:hours";
    }

    /** The UTC date and hour, such as {@code 2026-11-27T23}. */
    public static String nameOf(Instant hour) {
        return hour.toString().substring(0, "2026-11-27T23".length());
    }

    /** Sorted set: the milliseconds of the last checkin of each of the users who checked in last. */
    public String recentUsers() {
        return prefix + "boards:recent";
    }

    /** Sorted set: the milliseconds of the last checkin here of each of the users who checked in here last. */
    public String visitors(long locationId) {
        return location(locationId) + ":visitors";
    }

    /** String: every entry up to and including this id is settled for the boards. */
    public String boardsCheckpoint() {
        return prefix + "boards:lastid";
    }

    /** Sorted set: ranges of ids that are settled for the boards above their checkpoint. */
    public String boardsSettledRanges() {
        return prefix + "boards:applied";
    }

    /** Hash: what became of the entries for the boards. */
    public String boardsTotals() {
        return prefix + "boards:totals";
    }

    /** Stream: dead letters of the boards. */
    public String boardsDeadLetters() {
        return prefix + "boards:dead";
    }

    /** Hash: the id of an entry to the id of its dead letter of the boards, or to what became of that. */
    public String boardsDeadLetterIds() {
        return prefix + "boards:dead:ids";
    }

    /** Of no lasting content: where the boards try out what they may do. */
    public String boardsProbe() {
        return prefix + "boards:probe";
    }

    /** The group of the totals, as what {@code group} makes of its name and keys. */
    public <T> T totalsGroup(OfGroup<T> group) {
        return group.of(
                checkins(),
                GROUP,
                checkpoint(),
                settledRanges(),
                totals(),
                deadLetters(),
                deadLetterIds(),
                projections(),
                probe());
    }

    /** The group of the boards, as what {@code group} makes of its name and keys. */
    public <T> T boardsGroup(OfGroup<T> group) {
        return group.of(
                checkins(),
                BOARDS_GROUP,
                boardsCheckpoint(),
                boardsSettledRanges(),
                boardsTotals(),
                boardsDeadLetters(),
                boardsDeadLetterIds(),
                projections(),
                boardsProbe());
    }

    /** Such as the constructor of a record of these. The model knows no engine. */
    public interface OfGroup<T> {
        T of(
                String stream,
                String group,
                String checkpoint,
                String settledRanges,
                String totals,
                String deadLetters,
                String deadLetterIds,
                String projections,
                String probe);
    }

    /** Sorted set: the {@linkplain IndexEntry entries} of the users by e-mail address. */
    public String emails() {
        return prefix + "index:emails";
    }

    /** Sorted set: the {@linkplain IndexEntry entries} of the locations by category, and once more all of them, with an empty category. */
    public String categories() {
        return prefix + "index:categories";
    }

    /** GEO: where the locations are. */
    public String places() {
        return prefix + "index:places";
    }

    /** GEO: where the locations of a category are. */
    public String places(String category) {
        return places() + ':' + category;
    }

    /** String: opening hours, phone and so on of a location, as JSON. */
    public String details(long locationId) {
        return prefix + "details:" + locationId;
    }

    /** String: the id of the user whose session has a token with this digest. Expires with the session. */
    public String session(String digest) {
        return prefix + "sessions:" + digest;
    }

    /** String: how many logins have failed lately, to an account or from an address with this digest. Expires. */
    public String failedLogins(String digest) {
        return prefix + "logins:" + digest;
    }

    /** String: the number of partitions. Only partitioned keys have it. */
    public String partitions() {
        return prefix + "partitions";
    }

    /** String: the result of a request that carried this {@code Idempotency-Key}. The empty one is for trying out whether it can be written. */
    public String idempotency(String key) {
        return prefix + "idempotency:" + key;
    }

    /** String: exists while the user can't check in at the location again. */
    public String checkedIn(long userId, long locationId) {
        return prefix + "checkedin:" + userId + ':' + locationId;
    }
}
