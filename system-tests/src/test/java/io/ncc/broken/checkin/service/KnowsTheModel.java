package io.ncc.broken.checkin.service;

import io.ncc.broken.checkin.model.UsesSpring;

/** A class shared by the services that depends on the model. */
final class KnowsTheModel {

    final UsesSpring model = new UsesSpring();
}
