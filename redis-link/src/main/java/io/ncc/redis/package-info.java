/**
 * Talking to Redis: a connection that is opened anew whenever it breaks, names for what goes wrong, Lua scripts by digest, and the ids of streams.
 * Knows no web, no Spring Boot, and nothing of what is stored.
 */
@NullMarked
package io.ncc.redis;

import org.jspecify.annotations.NullMarked;
