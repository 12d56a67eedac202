package io.ncc.checkin.system.ledger;

/**
 * A promise that was not kept.
 *
 * @param evidence ids, requests, and what was found
 */
public record Violation(Promise promise, String evidence) {

    @Override
    public String toString() {
        return promise.name() + ": " + evidence;
    }
}
