/** What integration tests share: a real Redis that can be stopped, broken and healed, and the delivery guarantees as a check. */
@NullMarked
package io.ncc.checkin.testsupport;

import org.jspecify.annotations.NullMarked;
