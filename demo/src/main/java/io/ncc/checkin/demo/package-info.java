/** The whole product as one command, and the command line of the loader and the traffic generator. */
@NullMarked
package io.ncc.checkin.demo;

import org.jspecify.annotations.NullMarked;
