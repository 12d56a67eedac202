/** A real redis-server as a child process of this JVM. */
@NullMarked
package io.ncc.checkin.localredis;

import org.jspecify.annotations.NullMarked;
