/** Serves what the pipeline knows. Each package below is a part of the HTTP API, with what it needs of Redis. */
@NullMarked
package io.ncc.checkin.api;

import org.jspecify.annotations.NullMarked;
