/** Users, locations and checkins, from the built-in sample or from JSON files into Redis. */
@NullMarked
package io.ncc.checkin.demo.load;

import org.jspecify.annotations.NullMarked;
