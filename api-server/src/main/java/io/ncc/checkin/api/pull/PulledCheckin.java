package io.ncc.checkin.api.pull;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import io.ncc.checkin.api.checkin.StoredCheckin;

/** @param deliveries how often it was delivered to a consumer of the group, this time included */
record PulledCheckin(@JsonUnwrapped StoredCheckin checkin, long deliveries) {}
