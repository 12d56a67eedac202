/** The processor: what is made of checkins, and the service around it. */
@NullMarked
package io.ncc.checkin.processor;

import org.jspecify.annotations.NullMarked;
