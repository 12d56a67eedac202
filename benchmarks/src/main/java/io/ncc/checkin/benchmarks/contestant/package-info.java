/** What the services are compared with, each as a program of its own. */
@NullMarked
package io.ncc.checkin.benchmarks.contestant;

import org.jspecify.annotations.NullMarked;
