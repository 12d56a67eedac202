/** Reads the stream as a consumer group and applies each checkin to its user and location, once. */
@NullMarked
package io.ncc.checkin.processor;

import org.jspecify.annotations.NullMarked;
