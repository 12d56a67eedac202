/** The totals of users and locations. */
@NullMarked
package io.ncc.checkin.api.total;

import org.jspecify.annotations.NullMarked;
