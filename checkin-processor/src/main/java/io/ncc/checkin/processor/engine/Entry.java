package io.ncc.checkin.processor.engine;

import java.util.Map;

/**
 * An entry of the stream as it was read.
 *
 * @param fields of a repeated field, the last value; empty for an entry that is pending and was deleted from the stream
 * @param deliveries how often it was delivered, as the server counts: 1 for the first time
 */
public record Entry(String id, Map<String, String> fields, long deliveries) {

    Entry deliveredAgain() {
        return new Entry(id, fields, deliveries + 1);
    }
}
