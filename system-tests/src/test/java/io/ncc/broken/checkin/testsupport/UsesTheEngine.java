package io.ncc.broken.checkin.testsupport;

import io.ncc.broken.engine.KnowsTheProjection;

/** A test fixture that depends on the code under test. */
final class UsesTheEngine {

    final KnowsTheProjection engine = new KnowsTheProjection();
}
