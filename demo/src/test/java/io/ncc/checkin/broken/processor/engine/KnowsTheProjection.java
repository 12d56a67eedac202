package io.ncc.checkin.broken.processor.engine;

import io.ncc.checkin.broken.processor.TheProjection;

/** An engine that knows what is made of an entry. */
final class KnowsTheProjection {

    final TheProjection projection = new TheProjection();
}
