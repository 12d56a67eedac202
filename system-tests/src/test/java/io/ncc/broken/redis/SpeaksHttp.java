package io.ncc.broken.redis;

import org.springframework.http.HttpStatus;

/** A link that depends on Spring Web. */
final class SpeaksHttp {

    final HttpStatus status = HttpStatus.OK;
}
