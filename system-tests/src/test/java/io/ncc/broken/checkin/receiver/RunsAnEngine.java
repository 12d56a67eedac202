package io.ncc.broken.checkin.receiver;

import io.ncc.broken.engine.KnowsTheProjection;

/** A receiver that depends on the engine. */
final class RunsAnEngine {

    final KnowsTheProjection engine = new KnowsTheProjection();
}
