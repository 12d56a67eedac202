/** What the three services share as Spring Boot applications. Nothing here knows what a checkin is. */
@NullMarked
package io.ncc.checkin.service;

import org.jspecify.annotations.NullMarked;
