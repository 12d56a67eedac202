package io.ncc.checkin.receiver;

/** What a 202 means. */
enum Durability {
    /** Redis has taken the entry. A crash loses what its own persistence has not written; a failover, what was not replicated. */
    MEMORY,
    /** Replicas have taken it, too. Lost by a failover to one that was not asked, and by a primary that comes back without it: replicas follow it. */
    REPLICA,
    /** The primary has written it to its disk. Survives a crash of the server and of its machine; not a failover. */
    FSYNC
}
