package io.ncc.broken.redis;

import io.ncc.broken.engine.KnowsTheProjection;

/** A link that knows what is done with it. */
final class KnowsTheEngine {

    final KnowsTheProjection engine = new KnowsTheProjection();
}
