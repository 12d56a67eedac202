package io.ncc.engine;

/**
 * How many entries to ask for in one read. The size of an entry is only known once it has arrived. So the first page has one entry, also after a
 * failure, because a page that was too large may be its cause. As long as pages are small, the next page has twice as many entries.
 */
final class PageSize {

    /** A page of this weight takes a tenth of a second on a link of 1 Gbit/s, and at most half a second to decode. A page of ordinary entries has less. */
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

    /** Adapts to a page that was read. Only a full page shows that more entries could be read at once. */
    void learn(Page page) {
        if (page.weight() > WANTED_WEIGHT) {
            count = (int) Math.max(1, page.entries().size() * WANTED_WEIGHT / page.weight());
        } else if (page.isFull() && page.asked() >= count && 2 * page.weight() <= WANTED_WEIGHT) {
            count = Math.min(most, 2 * count);
        }
    }
}
