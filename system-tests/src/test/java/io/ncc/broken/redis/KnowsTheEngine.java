package io.ncc.broken.redis;

import io.ncc.broken.engine.KnowsTheProjection;

/** A link that depends on the engine. */
final class KnowsTheEngine {

    final KnowsTheProjection engine = new KnowsTheProjection();
}
