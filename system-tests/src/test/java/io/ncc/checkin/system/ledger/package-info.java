/**
 * The ledger test: the services run as processes, everything happens to them and their Redis, and what clients were told is compared with
 * what there is.
 */
@NullMarked
package io.ncc.checkin.system.ledger;

import org.jspecify.annotations.NullMarked;
