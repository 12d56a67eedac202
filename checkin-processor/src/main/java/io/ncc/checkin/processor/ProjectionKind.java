package io.ncc.checkin.processor;

import io.ncc.checkin.model.Partitions;
import io.ncc.engine.Mode;
import io.ncc.engine.Projection;

/** What the processor makes of the checkins. */
enum ProjectionKind {
    /** The totals of each user and location. */
    TOTALS("", CheckinProjection::new),

    /** Rankings, and who checked in last. */
    BOARDS("-boards", BoardsProjection::new);

    private final String suffix;
    private final Factory factory;

    ProjectionKind(String suffix, Factory factory) {
        this.suffix = suffix;
        this.factory = factory;
    }

    /** Of the names of threads and connections. */
    String suffix() {
        return suffix;
    }

    Projection of(Partitions partitions, int partition, Mode mode) {
        return factory.make(partitions, partition, mode);
    }

    private interface Factory {

        Projection make(Partitions partitions, int partition, Mode mode);
    }
}
