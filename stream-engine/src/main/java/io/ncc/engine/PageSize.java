package io.ncc.engine;

/**
 * How many entries to ask for at once. Nobody knows how large they are before they are there, so the first page is one entry, also after a failure,
 * which may have come of a page that was too large. The next ones double while they are small.
 */
final class PageSize {

    /** In bytes: a tenth of a second for a link of 1 Gbit/s, half a second for one processor to decode, and many times what ordinary entries have. */
    static final long WANTED_WEIGHT = 8 << 20;

    private final int most;
    private int count = 1;

    PageSize(int most) {
        this.most = most;
    }

    int count() {
        return count;
    }

    void reset() {
        count = 1;
    }

    /** Learns from a page. One that isn't full says nothing of what a larger one would be. */
    void learn(Page page) {
        if (page.weight() > WANTED_WEIGHT) {
            count = (int) Math.max(1, page.entries().size() * WANTED_WEIGHT / page.weight());
        } else if (page.isFull() && page.asked() >= count && 2 * page.weight() <= WANTED_WEIGHT) {
            count = Math.min(most, 2 * count);
        }
    }
}
