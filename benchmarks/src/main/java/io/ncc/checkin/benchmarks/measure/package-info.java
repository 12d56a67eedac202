/** Contestants, rounds, and what comes of them. */
@NullMarked
package io.ncc.checkin.benchmarks.measure;

import org.jspecify.annotations.NullMarked;
