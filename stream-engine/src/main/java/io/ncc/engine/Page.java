package io.ncc.engine;

import java.util.List;

/**
 * The entries that one read returned.
 *
 * @param asked the COUNT of the read
 * @param weight {@link EntriesOutput#weight}
 */
record Page(List<Entry> entries, int asked, long weight) {

    boolean isFull() {
        return entries.size() >= asked;
    }
}
