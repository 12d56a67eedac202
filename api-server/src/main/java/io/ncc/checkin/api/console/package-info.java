/** The console: a page that shows the pipeline at work, and what the page is told. */
@NullMarked
package io.ncc.checkin.api.console;

import org.jspecify.annotations.NullMarked;
