package io.ncc.broken.redis;

import org.springframework.http.HttpStatus;

/** A link that needs the web. */
final class SpeaksHttp {

    final HttpStatus status = HttpStatus.OK;
}
