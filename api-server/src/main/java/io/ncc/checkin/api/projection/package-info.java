/** The projections of the checkins. */
@NullMarked
package io.ncc.checkin.api.projection;

import org.jspecify.annotations.NullMarked;
