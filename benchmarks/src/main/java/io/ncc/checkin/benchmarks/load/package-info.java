/** What puts a service under load: requests over a fixed number of connections, and followers of a stream of events. */
@NullMarked
package io.ncc.checkin.benchmarks.load;

import org.jspecify.annotations.NullMarked;
