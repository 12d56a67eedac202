package io.ncc.engine;

import java.time.Duration;

/**
 * How many entries to ask for in one read. The size of an entry is only known once it has arrived, and how busy Redis is, once it has settled some. So
 * the first page has one entry, also after a failure, because a page that was too large may be its cause. As long as pages are full and small, and
 * are settled quickly, the next page has twice as many entries. Otherwise it has as many or fewer, so that it isn't large when that changes.
 *
 * <p>Many engines may share a Redis. Each of them has several batches in flight, which wait for those of all others. Without this limit, they would wait
 * for longer than a command may take.
 */
final class PageSize {

    /** A page of this weight takes a tenth of a second on a link of 1 Gbit/s, and at most half a second to decode. A page of ordinary entries has less. */
    static final long WANTED_WEIGHT = 8 << 20;

    /**
     * Eight times as long is less than the usual timeout of a command: with twice the size, four batches of each engine may be in flight where there was
     * one. Four batches of 1,000 entries of a single engine take less.
     */
    static final Duration QUICK = Duration.ofMillis(100);

    /** A quarter of the usual timeout of a command. */
    static final Duration SLOW = Duration.ofMillis(375);

    /** A page of this size is never too slow. A network may be slow, too, and then smaller pages don't help. */
    static final int FEW = 16;

    private final int most;
    private int count = 1;
    private boolean mayGrow;

    PageSize(int most) {
        this.most = most;
    }

    synchronized int count() {
        return count;
    }

    synchronized void reset() {
        count = 1;
        mayGrow = false;
    }

    /** Adapts to a page that was read. Only a full page shows that more entries could be read at once. */
    synchronized void learn(Page page) {
        int entries = page.entries().size();
        if (page.weight() > WANTED_WEIGHT) {
            count = (int) Math.max(1, entries * WANTED_WEIGHT / page.weight());
            mayGrow = false;
        } else if (!page.isFull()) {
            count = Math.max(1, Math.max(count / 2, Math.min(count, 2 * entries)));
            mayGrow = false;
        } else if (page.asked() >= count) {
            mayGrow = 2 * page.weight() <= WANTED_WEIGHT;
        }
    }

    /**
     * Adapts to the time that a batch took to be settled. Any thread may call this.
     *
     * @param entries how many the batch had
     */
    synchronized void settled(int entries, Duration time) {
        if (time.compareTo(SLOW) > 0) {
            count = Math.min(count, Math.max(FEW, entries / 2));
        }
        boolean quick = time.compareTo(QUICK) <= 0 || count < FEW;
        if (quick && mayGrow && entries >= count) {
            count = Math.min(most, 2 * count);
        }
    }
}
