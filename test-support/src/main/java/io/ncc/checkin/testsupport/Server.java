package io.ncc.checkin.testsupport;

/** A running redis-server, whatever it runs in. Its address is the same for its whole life. */
sealed interface Server extends AutoCloseable permits LocalServer, ContainerServer {

    String host();

    int port();

    boolean isRunning();

    /** Asks the server to end, paused or not, and waits until it has. Nothing to do for one that is stopped. */
    void stop();

    /** Ends the server with SIGKILL, paused or not, and waits until it has. Nothing to do for one that is stopped. */
    void kill();

    /** Starts the stopped server with the data it had. It need not answer yet. */
    void start();

    /** Starts the server without data, whether it runs or not. It need not answer yet. */
    void startEmpty();

    void pause();

    /** Nothing to do for one that is not paused. */
    void resume();

    @Override
    void close();
}
