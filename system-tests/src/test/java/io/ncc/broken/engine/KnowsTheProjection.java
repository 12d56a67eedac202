package io.ncc.broken.engine;

import io.ncc.broken.checkin.processor.TheProjection;

/** An engine that knows what is made of an entry. */
public final class KnowsTheProjection {

    final TheProjection projection = new TheProjection();
}
