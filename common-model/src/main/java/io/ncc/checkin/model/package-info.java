/** What the services, and programs in other languages, must agree on byte for byte. */
@NullMarked
package io.ncc.checkin.model;

import org.jspecify.annotations.NullMarked;
