/** What was measured, as tables, JSON and plots. */
@NullMarked
package io.ncc.checkin.benchmarks.report;

import org.jspecify.annotations.NullMarked;
