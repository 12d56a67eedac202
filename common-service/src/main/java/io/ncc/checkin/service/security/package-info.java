/** Who may do what: whom a service listens to, whose token a request has, and what each role may do. */
@NullMarked
package io.ncc.checkin.service.security;

import org.jspecify.annotations.NullMarked;
