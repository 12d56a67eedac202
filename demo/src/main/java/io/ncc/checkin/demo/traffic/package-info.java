/** Random checkins at a steady rate over HTTP. */
@NullMarked
package io.ncc.checkin.demo.traffic;

import org.jspecify.annotations.NullMarked;
