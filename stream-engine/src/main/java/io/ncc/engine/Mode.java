package io.ncc.engine;

/** How a processor reads the stream. Both modes have the same guard against counting an entry twice, so both can run at once. */
public enum Mode {
    /** As a consumer of the group, which distributes the entries among its consumers. */
    GROUP,
    /** Without a group: all entries, in order, from the checkpoint on. */
    SEQUENTIAL;

    /** The argument of the scripts that says whether an entry must be pending in the group in order to count. */
    public String mustBePending() {
        return this == GROUP ? "1" : "0";
    }
}
