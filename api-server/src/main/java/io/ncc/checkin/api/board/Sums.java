package io.ncc.checkin.api.board;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.PriorityQueue;

/**
 * The sums of the scores that many ids have on some boards: 16 bytes and a bit for each board, for each place of a table that is at most half full. For use by
 * several threads.
 *
 * <p>If there are more ids than fit, the work can be done slice by slice: each id belongs to one slice.
 */
final class Sums {

    private static final int FIRST_PLACES = 1 << 10;

    private final int most;
    private final int slices;
    private final int slice;
    private final int boards;
    private final int width;
    private long[] ids = new long[FIRST_PLACES]; // 0 where the place is free
    private long[] sums = new long[FIRST_PLACES];
    private byte[] seen; // a bit for each board that a score was added of
    private int size;

    /**
     * @param most how many ids it may hold
     * @param slices how many slices there are
     * @param slice whose ids it takes, from 0 on
     * @param boards how many boards there are
     */
    Sums(int most, int slices, int slice, int boards) {
        this.most = most;
        this.slices = slices;
        this.slice = slice;
        this.boards = boards;
        this.width = width(boards);
        this.seen = new byte[FIRST_PLACES * width];
    }

    private static int width(int boards) {
        return (boards + Byte.SIZE - 1) / Byte.SIZE;
    }

    /** How much a place takes. */
    static int bytes(int boards) {
        return 2 * Long.BYTES + width(boards);
    }

    /**
     * Adds a score, if the id is one of the slice and has none of this board yet: an id that moves while its board is read may be read twice.
     *
     * @param board from 0 on
     * @throws TooManyIdsException if there is no room for the id
     */
    synchronized void add(int board, long id, long score) {
        if (id < 1 || score < 1 || sliceOf(id) != slice) {
            return;
        }
        int place = placeOf(id);
        if (ids[place] == 0) {
            if (size == most) {
                throw new TooManyIdsException();
            }
            ids[place] = id;
            size++;
        }
        int at = place * width + board / Byte.SIZE;
        int bit = 1 << board % Byte.SIZE;
        if ((seen[at] & bit) != 0) {
            return;
        }
        seen[at] |= (byte) bit;
        sums[place] += score;
        if (size * 2 > ids.length) {
            grow();
        }
    }

    private int sliceOf(long id) {
        return (int) Long.remainderUnsigned(mix(id) >>> Integer.SIZE, slices);
    }

    private static long mix(long id) {
        long mixed = id * 0x9E3779B97F4A7C15L;
        return mixed ^ mixed >>> Integer.SIZE;
    }

    private int placeOf(long id) {
        int place = (int) mix(id) & ids.length - 1;
        while (ids[place] != 0 && ids[place] != id) {
            place = place + 1 & ids.length - 1;
        }
        return place;
    }

    private void grow() {
        long[] oldIds = ids;
        long[] oldSums = sums;
        byte[] oldSeen = seen;
        ids = new long[2 * oldIds.length];
        sums = new long[ids.length];
        seen = new byte[ids.length * width];
        for (int old = 0; old < oldIds.length; old++) {
            if (oldIds[old] != 0) {
                int place = placeOf(oldIds[old]);
                ids[place] = oldIds[old];
                sums[place] = oldSums[old];
                System.arraycopy(oldSeen, old * width, seen, place * width, width);
            }
        }
    }

    /** The sum of an id; 0 if it has none. */
    synchronized long of(long id) {
        return sums[placeOf(id)];
    }

    /** The highest sums, descending. */
    synchronized List<Ranked> top(int count) {
        PriorityQueue<Ranked> lowestFirst = new PriorityQueue<>(Ranked.ORDER.reversed());
        for (int place = 0; place < ids.length; place++) {
            if (ids[place] != 0
                    && (lowestFirst.size() < count
                            || sums[place] >= lowestFirst.element().score())) {
                lowestFirst.add(new Ranked(ids[place], sums[place]));
                if (lowestFirst.size() > count) {
                    lowestFirst.remove();
                }
            }
        }
        List<Ranked> top = new ArrayList<>(lowestFirst);
        top.sort(Ranked.ORDER);
        return top;
    }

    /** The sum at this place in the order of sums, counted from 1; 0 if there are fewer. */
    long atRank(int rank) {
        List<Ranked> top = top(rank);
        return top.size() < rank ? 0 : top.get(rank - 1).score();
    }

    /** The ids that are chosen by their sum, and by how many boards they have no score of yet. */
    synchronized long[] where(Choice choice) {
        long[] chosen = new long[size];
        int count = 0;
        for (int place = 0; place < ids.length; place++) {
            if (ids[place] != 0 && choice.takes(sums[place], unseen(place))) {
                chosen[count++] = ids[place];
            }
        }
        return Arrays.copyOf(chosen, count);
    }

    private int unseen(int place) {
        int unseen = boards;
        for (int at = place * width; at < (place + 1) * width; at++) {
            unseen -= Integer.bitCount(seen[at] & 0xFF);
        }
        return unseen;
    }

    /** Chooses ids. */
    interface Choice {
        boolean takes(long sum, int unseen);
    }

    /** There are more ids than fit. */
    static final class TooManyIdsException extends RuntimeException {

        private static final long serialVersionUID = 1L;
    }
}
