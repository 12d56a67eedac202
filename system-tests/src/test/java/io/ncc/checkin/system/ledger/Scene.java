package io.ncc.checkin.system.ledger;

import java.util.Random;

/** Where it happens, and the chance by which. */
record Scene(Topology topology, History history, Random random) {

    RedisPair redis() {
        return topology.redis();
    }

    /** Lets time pass: so long does the fault last. */
    void elapse(int fromMillis, int toMillis) {
        try {
            Thread.sleep(fromMillis + random.nextInt(toMillis - fromMillis));
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException(e);
        }
    }
}
