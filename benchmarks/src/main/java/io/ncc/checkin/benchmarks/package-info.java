/** The services as processes of their own, measured beside their peers and their ceilings. */
@NullMarked
package io.ncc.checkin.benchmarks;

import org.jspecify.annotations.NullMarked;
