package io.ncc.engine;

import java.util.List;

/**
 * What one read returned.
 *
 * @param asked the most entries that it might have returned
 * @param weight how large the entries are in the stream, in bytes and with something for each name and value: more than was kept, where one is too large
 */
record Page(List<Entry> entries, int asked, long weight) {

    boolean isFull() {
        return entries.size() >= asked;
    }
}
