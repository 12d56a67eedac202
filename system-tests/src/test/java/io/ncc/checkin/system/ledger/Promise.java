package io.ncc.checkin.system.ledger;

/** The promises that the check verifies. */
public enum Promise {
    ACCEPTED_IS_STORED("every 202 is in the stream, what was refused is not, and what has a key is there once"),
    IDS_GROW("what a partition accepts later has the higher id"),
    PARTITION("every checkin is in the partition of its user"),
    FOLD("every hash is the sequential fold of what is settled"),
    BOARDS("every board is what counting each settled entry once makes of it"),
    COUNTS("for each group, entries = applied + dead + lost + unsettled, and in the end nothing is unsettled"),
    SHARDS("what strikes one shard of a cluster is not noticed by the others"),
    READS_ARE_TRUE("no answer shows what was never accepted"),
    READ_YOUR_WRITES("an answer to ?after contains that checkin"),
    LIVE("who follows sees every entry once and in order, or is told of a gap");

    private final String text;

    Promise(String text) {
        this.text = text;
    }

    @Override
    public String toString() {
        return name() + " (" + text + ')';
    }
}
