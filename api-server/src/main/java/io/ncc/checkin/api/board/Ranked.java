package io.ncc.checkin.api.board;

import java.util.Comparator;

/** A user or location, with the number that it is ranked by. */
record Ranked(long id, long score) {

    /** As ZREVRANGE has it: of equal scores, the ids are descending as texts. */
    static final Comparator<Ranked> ORDER = (a, b) -> a.score != b.score
            ? Long.compare(b.score, a.score)
            : Long.toString(b.id).compareTo(Long.toString(a.id));
}
