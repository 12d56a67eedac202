package io.ncc.engine;

import io.ncc.redis.RedisLink;

/** Where a reader's entries come from: the two modes of a processor. */
sealed interface EntrySource permits GroupSource, SequentialSource {

    /** Begins anew; what was read before and isn't settled comes again. */
    void open();

    /**
     * Reads the next entries; empty if there are none for a while.
     *
     * @param readAhead whether those after them may be asked for already
     */
    Batch next(boolean readAhead);

    /** Whether entries have been asked for that {@link #next} has not returned yet. */
    boolean isAhead();

    /** The link that {@link #next} blocks. */
    RedisLink link();

    /** Gives up what this processor is to others; after the last entry was settled. */
    void leave();
}
