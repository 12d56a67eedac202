package io.ncc.engine;

/** How a processor reads the stream. What it applies is guarded in the same way, so both can be in use at once. */
public enum Mode {
    /** As a consumer of the group, which shares the entries out. */
    GROUP,
    /** By itself, from the checkpoint on. */
    SEQUENTIAL;

    /** The argument of the scripts that says whether an entry must be pending in the group in order to count. */
    public String mustBePending() {
        return this == GROUP ? "1" : "0";
    }
}
