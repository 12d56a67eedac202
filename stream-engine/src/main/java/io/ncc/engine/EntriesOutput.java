package io.ncc.engine;

import io.lettuce.core.output.CommandOutput;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Parses the reply to XREADGROUP or XREAD of one stream into {@linkplain Entry entries} as it arrives. The reply is {@code [[stream, entries]]} in
 * RESP2 and {@code {stream: entries}} in RESP3. In both, an entry is an id and an array of names and values. With a backlog, this is most of the
 * processor's own work, so the parser creates no intermediate objects.
 *
 * <p>Of an entry that is {@linkplain #MOST_KEPT too large}, the parser keeps the first fields that fit. The two fields of a
 * {@linkplain Entry#isReplay() replay} must not make it too large, so they don't count if they come first.
 */
final class EntriesOutput extends CommandOutput<String, String, List<Entry>> {

    /** The most bytes of an entry that are kept, with {@link #OVERHEAD} for each name and each value. */
    static final int MOST_KEPT = 16 << 10;

    static final int OVERHEAD = 32;

    /** The most bytes that the two fields of a replay add: an id, and the name of a group. */
    static final int MOST_OF_REPLAY = 256;

    private static final int USUAL_FIELDS = 4;

    private boolean inStream;
    private @Nullable String id;
    private @Nullable String name;
    private Map<String, String> fields = Map.of();
    private int size;
    private int left;
    private int kept;
    private boolean tooLarge;
    private long weight;

    EntriesOutput(EntryCodec codec) {
        super(codec, new ArrayList<>());
    }

    @Override
    public void multi(int count) {
        if (id != null) {
            beginFields(id, count);
        }
    }

    @Override
    public void set(@Nullable ByteBuffer bytes) {
        if (bytes == null) {
            multi(-1);
        } else if (!inStream) {
            inStream = true; // the name of the stream
        } else if (id == null) {
            id = codec.decodeValue(bytes);
        } else {
            keep(bytes);
            if (--left == 0) {
                endEntry(id, fields);
            }
        }
    }

    private void keep(ByteBuffer text) {
        int length = text.remaining();
        weight += length + OVERHEAD;
        if (tooLarge || length > MOST_KEPT || ((kept += length + OVERHEAD) > MOST_KEPT && isTooMuch())) {
            tooLarge = true;
        } else if (name == null) {
            name = codec.decodeKey(text);
        } else {
            fields.put(name, codec.decodeValue(text));
            name = null;
        }
    }

    private boolean isTooMuch() {
        return kept > MOST_KEPT + (fields.containsKey(Entry.REPLAY_OF) ? MOST_OF_REPLAY : 0);
    }

    /** @param namesAndValues how many there are; -1 if Redis sends null, for a pending entry that was deleted from the stream */
    private void beginFields(String entry, int namesAndValues) {
        size = namesAndValues;
        left = namesAndValues;
        kept = 0;
        tooLarge = false;
        if (left > 0) {
            fields = new LinkedHashMap<>(2 * USUAL_FIELDS);
        } else {
            endEntry(entry, Map.of());
        }
    }

    private void endEntry(String entry, Map<String, String> itsFields) {
        output.add(tooLarge ? new Entry(entry, itsFields, 1, size / 2) : new Entry(entry, itsFields, 1));
        id = null;
        name = null;
    }

    /** The bytes of all names and values so far, kept or not, plus {@link #OVERHEAD} for each, because many small ones take long to decode, too. */
    long weight() {
        return weight;
    }
}
