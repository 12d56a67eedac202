package io.ncc.redis;

/** The server answers, but its configuration doesn't meet the requirements. The message says what to change. */
public final class UnfitServerException extends RuntimeException {

    public UnfitServerException(String message) {
        super(message);
    }

    /** @param cause tells this reason from others; its message says what to change */
    public UnfitServerException(Exception cause) {
        super(cause.getMessage(), cause);
    }
}
