package io.ncc.engine;

import io.ncc.redis.RedisLink;

/** Where the reader gets its entries: one implementation for each {@link Mode}. */
sealed interface EntrySource permits GroupSource, SequentialSource {

    /** Starts or restarts reading. Entries that were read before and are not settled are read again. */
    void open();

    /**
     * Reads the next entries; empty if there are none for a while.
     *
     * @param readAhead whether the read after this one may be sent already
     */
    Batch next(boolean readAhead);

    /** Whether a read was sent ahead whose entries {@link #next} has not returned yet. */
    boolean isAhead();

    /** How many entries {@link #next} asks for. */
    PageSize pageSize();

    /** The link that {@link #next} blocks. */
    RedisLink link();

    /** Leaves the group, if there is one. Called after the last batch has ended. */
    void leave();

    /** Makes the group, if there is one, stand where this source has come to. Called after {@link #leave}, when the checkpoint moves no more. */
    void handOver();
}
