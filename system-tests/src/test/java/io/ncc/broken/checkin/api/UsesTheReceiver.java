package io.ncc.broken.checkin.api;

import io.ncc.broken.checkin.receiver.ParsesWithJackson2;

/** A service that depends on another. */
final class UsesTheReceiver {

    final ParsesWithJackson2 other = new ParsesWithJackson2();
}
