package io.ncc.checkin.demo.load;

/** A load that can't be done. The message is for whoever asked for the load: it says what is wrong, where, and what was written. */
public final class LoadException extends Exception {

    LoadException(String message) {
        super(message);
    }

    LoadException(String message, Throwable cause) {
        super(message, cause);
    }
}
