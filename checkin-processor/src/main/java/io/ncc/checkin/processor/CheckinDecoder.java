package io.ncc.checkin.processor;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.model.UndecodableEntryException;
import io.ncc.engine.Batch;
import io.ncc.engine.Entry;
import io.ncc.engine.Projection.Rejected;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;

/** Decodes the entries of a partition. */
final class CheckinDecoder {

    private final Partitions partitions;
    private final int partition;

    CheckinDecoder(Partitions partitions, int partition) {
        this.partitions = partitions;
        this.partition = partition;
    }

    /**
     * Passes on each entry of the batch, in their order.
     *
     * @param decoded gets an entry with its checkin
     * @param undecodable runs for an entry that is no checkin, or whose user belongs to another partition
     * @return these entries, with the reason
     */
    List<Rejected> decode(Batch batch, BiConsumer<Entry, Checkin> decoded, Runnable undecodable) {
        List<Rejected> rejected = new ArrayList<>();
        for (Entry entry : batch.entries()) {
            try {
                Checkin checkin = CheckinCodec.decode(entry.fields());
                int home = partitions.ofUser(checkin.userId());
                if (home == partition) {
                    decoded.accept(entry, checkin);
                    continue;
                }
                rejected.add(new Rejected(entry.id(), "userId belongs to partition " + home));
            } catch (UndecodableEntryException e) {
                rejected.add(new Rejected(entry.id(), e.reason()));
            }
            undecodable.run();
        }
        return rejected;
    }
}
