/**
 * Access to Redis: a connection that reopens when it breaks, a classification of failures, Lua scripts run by digest, and stream ids. It uses
 * neither the web nor Spring Boot, and doesn't depend on what is stored.
 */
@NullMarked
package io.ncc.redis;

import org.jspecify.annotations.NullMarked;
