/** What requests have in common. */
@NullMarked
package io.ncc.checkin.api.web;

import org.jspecify.annotations.NullMarked;
