/** Rankings, and who checked in last: what the projection {@code boards} keeps. */
@NullMarked
package io.ncc.checkin.api.board;

import org.jspecify.annotations.NullMarked;
