package io.ncc.checkin.broken.service;

import io.ncc.checkin.broken.model.UsesSpring;

/** What is shared by the services and knows a checkin. */
final class KnowsTheModel {

    final UsesSpring model = new UsesSpring();
}
