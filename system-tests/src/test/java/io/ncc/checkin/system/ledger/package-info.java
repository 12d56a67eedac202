/**
 * The ledger test: runs the services as processes, injects faults into them and into Redis, and compares the answers that clients got with the
 * content of Redis.
 */
@NullMarked
package io.ncc.checkin.system.ledger;

import org.jspecify.annotations.NullMarked;
