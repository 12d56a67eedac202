package io.ncc.broken.checkin.service;

import io.ncc.broken.checkin.model.UsesSpring;

/** What is shared by the services and knows a checkin. */
final class KnowsTheModel {

    final UsesSpring model = new UsesSpring();
}
