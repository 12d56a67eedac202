package io.ncc.checkin.benchmarks.contestant;

import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Another contestant, in a process that also keeps a core busy for a share of the time, as a client does that works with what it reads. Cores share
 * caches and memory, and the virtual ones of one machine often more: so a Redis with a core to itself is quicker where the other cores rest.
 */
public final class Busy implements Contestant {

    private static final long PERIOD = TimeUnit.MILLISECONDS.toNanos(1);

    private final Contestant contestant;
    private final double share;

    /** @param share of the time, from 0 to 1 */
    public Busy(Contestant contestant, double share) {
        this.contestant = contestant;
        this.share = share;
    }

    @Override
    public void prepare(int entries) throws Exception {
        contestant.prepare(entries);
    }

    @Override
    public void drain(int entries) throws Exception {
        Thread work = new Thread(this::work, "work");
        work.start();
        try {
            contestant.drain(entries);
        } finally {
            work.interrupt();
            work.join();
        }
    }

    private void work() {
        while (!Thread.currentThread().isInterrupted()) {
            long begin = System.nanoTime();
            while (System.nanoTime() - begin < share * PERIOD) {
                Thread.onSpinWait();
            }
            LockSupport.parkNanos(begin + PERIOD - System.nanoTime());
        }
    }
}
