/** What is spread over partitions, and shown as one. */
@NullMarked
package io.ncc.checkin.api.partition;

import org.jspecify.annotations.NullMarked;
