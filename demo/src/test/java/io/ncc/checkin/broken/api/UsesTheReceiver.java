package io.ncc.checkin.broken.api;

import io.ncc.checkin.broken.receiver.ParsesWithJackson2;

/** A service that depends on another. */
final class UsesTheReceiver {

    final ParsesWithJackson2 other = new ParsesWithJackson2();
}
