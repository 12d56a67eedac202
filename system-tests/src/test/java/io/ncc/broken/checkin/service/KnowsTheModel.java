package io.ncc.broken.checkin.service;

import io.ncc.broken.checkin.model.UsesSpring;

/** A class shared by the services that depends on more of the model than the partitions and the keys. */
final class KnowsTheModel {

    final UsesSpring model = new UsesSpring();
}
