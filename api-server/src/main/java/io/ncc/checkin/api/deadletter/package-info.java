/** Entries that could not be applied. */
@NullMarked
package io.ncc.checkin.api.deadletter;

import org.jspecify.annotations.NullMarked;
