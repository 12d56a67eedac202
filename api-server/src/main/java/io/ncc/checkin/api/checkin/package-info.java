/** Checkins as they are in the stream, and what became of them. */
@NullMarked
package io.ncc.checkin.api.checkin;

import org.jspecify.annotations.NullMarked;
