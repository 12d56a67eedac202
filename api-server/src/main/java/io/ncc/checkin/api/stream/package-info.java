/** The state of the stream and of its consumer groups. */
@NullMarked
package io.ncc.checkin.api.stream;

import org.jspecify.annotations.NullMarked;
