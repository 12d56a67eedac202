/**
 * Feeds a {@link io.ncc.engine.Projection} from a stream, so that each entry counts once: reads, claims, sets aside, keeps house. Only the
 * projection knows what an entry means.
 */
@NullMarked
package io.ncc.engine;

import org.jspecify.annotations.NullMarked;
