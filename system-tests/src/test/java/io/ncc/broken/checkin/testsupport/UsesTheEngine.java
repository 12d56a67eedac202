package io.ncc.broken.checkin.testsupport;

import io.ncc.broken.engine.KnowsTheProjection;

/** A fixture that tests with what is to be tested. */
final class UsesTheEngine {

    final KnowsTheProjection engine = new KnowsTheProjection();
}
