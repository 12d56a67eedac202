/** Takes checkins in by HTTP and appends them to the stream. */
@NullMarked
package io.ncc.checkin.receiver;

import org.jspecify.annotations.NullMarked;
