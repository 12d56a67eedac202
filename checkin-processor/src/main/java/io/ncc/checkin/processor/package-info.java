/** The processor: the projection of checkins, and the service that runs it. */
@NullMarked
package io.ncc.checkin.processor;

import org.jspecify.annotations.NullMarked;
