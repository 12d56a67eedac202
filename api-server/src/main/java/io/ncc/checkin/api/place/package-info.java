/** Finding locations, and what was loaded of them. */
@NullMarked
package io.ncc.checkin.api.place;

import org.jspecify.annotations.NullMarked;
