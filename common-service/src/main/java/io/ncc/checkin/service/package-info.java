/** What the three services share as Spring Boot applications. Nothing here reads or writes a checkin. */
@NullMarked
package io.ncc.checkin.service;

import org.jspecify.annotations.NullMarked;
