/** What integration tests share: a real Redis that tests can stop, break and repair, and checks of the delivery guarantees. */
@NullMarked
package io.ncc.checkin.testsupport;

import org.jspecify.annotations.NullMarked;
