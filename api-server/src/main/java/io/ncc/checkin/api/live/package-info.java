/** Follows the end of the stream, and sends what comes to those who listen. */
@NullMarked
package io.ncc.checkin.api.live;

import org.jspecify.annotations.NullMarked;
