package io.ncc.engine;

import java.util.List;

/**
 * Entries that are applied together.
 *
 * @param entries ascending by id
 * @param contiguous whether the stream has no other entries between them
 */
public record Batch(List<Entry> entries, boolean contiguous) {

    static final Batch EMPTY = new Batch(List.of(), false);

    public static Batch of(Entry entry) {
        return new Batch(List.of(entry), true);
    }

    boolean isEmpty() {
        return entries.isEmpty();
    }

    public int size() {
        return entries.size();
    }
}
