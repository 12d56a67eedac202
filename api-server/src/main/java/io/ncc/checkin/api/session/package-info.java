/** Logins of the loaded users, and the limits of attempts. */
@NullMarked
package io.ncc.checkin.api.session;

import org.jspecify.annotations.NullMarked;
