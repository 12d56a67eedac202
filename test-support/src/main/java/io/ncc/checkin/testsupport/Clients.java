package io.ncc.checkin.testsupport;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.IntSupplier;
import org.jspecify.annotations.Nullable;

/** Many clients of receivers. Each is a thread with its own connection. */
public final class Clients implements AutoCloseable {

    private final ExecutorService threads;
    private final List<Future<?>> running = new ArrayList<>();

    /**
     * @param port for the next connection
     * @param work what the client of a number does, until it is told otherwise
     */
    public Clients(int count, IntSupplier port, Work work) {
        threads = Executors.newFixedThreadPool(count);
        for (int i = 0; i < count; i++) {
            int number = i;
            running.add(threads.submit(() -> {
                try (var client = new Client(port)) {
                    work.of(client, number);
                }
                return null;
            }));
        }
    }

    /** Waits until all are through; if one has failed, so does this. */
    public void awaitEnd(long seconds) throws InterruptedException, TimeoutException {
        for (Future<?> one : running) {
            try {
                one.get(seconds, TimeUnit.SECONDS);
            } catch (ExecutionException e) {
                throw new AssertionError("A client has failed: " + e.getCause(), e.getCause());
            }
        }
    }

    @Override
    public void close() {
        threads.shutdownNow();
    }

    public interface Work {
        void of(Client client, int number) throws Exception;
    }

    /** One of them. */
    public static final class Client implements AutoCloseable {

        private final IntSupplier port;
        private @Nullable RawConnection connection;

        private Client(IntSupplier port) {
            this.port = port;
        }

        /** Sends a posting, on a new connection where the one before has ended. */
        public Ledger.Attempt send(Ledger.Posting posting) throws IOException {
            if (connection == null) {
                connection = new RawConnection(port.getAsInt());
            }
            Ledger.Attempt attempt = posting.send(connection);
            if (attempt.closes()) {
                close();
            }
            return attempt;
        }

        @Override
        public void close() throws IOException {
            if (connection != null) {
                connection.close();
                connection = null;
            }
        }
    }
}
