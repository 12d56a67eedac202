package io.ncc.engine;

import java.util.List;

/**
 * What one read returned.
 *
 * @param asked the most entries that it might have returned
 * @param bytes how large the entries are in the stream: more than was kept, where one is too large
 */
record Page(List<Entry> entries, int asked, long bytes) {

    boolean isFull() {
        return entries.size() >= asked;
    }
}
