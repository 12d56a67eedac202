package io.ncc.checkin.processor;

import io.ncc.checkin.model.Partitions;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;

/** What the processor makes of the checkins. */
enum ProjectionKind {
    /** The totals of each user and location. */
    TOTALS(""),

    /** Rankings, and who checked in last. */
    BOARDS("-boards");

    private final String suffix;

    ProjectionKind(String suffix) {
        this.suffix = suffix;
    }

    /** Of the names of threads and connections. */
    String suffix() {
        return suffix;
    }

    Projection of(Partitions partitions, int partition, Mode mode) {
        return switch (this) {
            case TOTALS -> new CheckinProjection(partitions, partition, mode);
            case BOARDS -> new BoardsProjection(partitions, partition, mode);
        };
    }
}
