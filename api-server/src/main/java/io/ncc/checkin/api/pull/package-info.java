/** Consumer groups of other programs, over HTTP. */
@NullMarked
package io.ncc.checkin.api.pull;

import org.jspecify.annotations.NullMarked;
