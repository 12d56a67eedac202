package io.ncc.broken.engine;

import io.ncc.broken.checkin.processor.TheProjection;

/** An engine that depends on a projection. */
public final class KnowsTheProjection {

    final TheProjection projection = new TheProjection();
}
