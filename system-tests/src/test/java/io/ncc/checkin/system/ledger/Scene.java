package io.ncc.checkin.system.ledger;

import java.util.Random;

/** What a fault needs: the services and Redis, the history of the run, and a source of randomness. */
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
