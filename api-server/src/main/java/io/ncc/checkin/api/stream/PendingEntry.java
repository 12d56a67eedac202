package io.ncc.checkin.api.stream;

import io.lettuce.core.models.stream.PendingMessage;
import io.ncc.checkin.api.partition.CheckinId;

/**
 * An entry that is pending in a group.
 *
 * @param idle milliseconds since it was last delivered
 * @param deliveries how often it was delivered
 */
record PendingEntry(CheckinId id, String consumer, long idle, long deliveries) {

    static PendingEntry of(CheckinId id, PendingMessage message) {
        return new PendingEntry(
                id, message.getConsumer(), message.getMsSinceLastDelivery(), message.getRedeliveryCount());
    }
}
