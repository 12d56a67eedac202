package io.ncc.redis;

/** A server answers, but can't be worked with as it is set up. The message says what to change. */
public final class UnfitServerException extends RuntimeException {

    public UnfitServerException(String message) {
        super(message);
    }
}
