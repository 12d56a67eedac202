/**
 * Feeds a {@link io.ncc.engine.Projection} from the stream, each entry once: reads, claims, sets aside, keeps house. What an
 * entry means is the projection's business.
 */
@NullMarked
package io.ncc.engine;

import org.jspecify.annotations.NullMarked;
