package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Partitions;
import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/** The appenders of all partitions. */
final class Appenders {

    private final Partitions partitions;
    private final List<CheckinAppender> all;

    /** @param ofPartition makes the appender of a partition */
    Appenders(Partitions partitions, IntFunction<CheckinAppender> ofPartition) {
        this.partitions = partitions;
        this.all = partitions.all().stream().map(ofPartition::apply).toList();
    }

    int count() {
        return all.size();
    }

    int partitionOf(Checkin checkin) {
        return partitions.ofUser(checkin.userId());
    }

    CheckinAppender of(int partition) {
        return all.get(partition);
    }

    /** By what each partition keeps the promise of a 202, for people. */
    Stream<String> durability() {
        return all.stream().map(CheckinAppender::durability);
    }

    int checkinsWaiting() {
        return all.stream().mapToInt(CheckinAppender::checkinsWaiting).sum();
    }
}
