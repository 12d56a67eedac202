/** Serves what the pipeline knows: users, locations, checkins, and the state of the stream. */
@NullMarked
package io.ncc.checkin.api;

import org.jspecify.annotations.NullMarked;
