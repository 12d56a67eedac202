package io.ncc.checkin.receiver;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.util.concurrent.Semaphore;
import java.util.function.Supplier;

/**
 * The body of a batch, whose reader works only while it is its turn. Batches take turns, so that all of them together leave a core to other requests: with one
 * thread for each, these would get the share of one thread. A turn ends where the batch waits for its client or
 * for Redis.
 */
final class Turn extends FilterInputStream {

    private static final Semaphore FREE =
            new Semaphore(Math.max(1, Runtime.getRuntime().availableProcessors() - 1), true);

    private boolean ours;

    Turn(InputStream body) {
        super(body);
    }

    private void begin() {
        FREE.acquireUninterruptibly();
        ours = true;
    }

    private void end() {
        if (ours) {
            ours = false;
            FREE.release();
        }
    }

    /** Does something that takes time and no work. */
    <T> T between(Supplier<T> wait) {
        end();
        try {
            return wait.get();
        } finally {
            begin();
        }
    }

    @Override
    public int read() throws IOException {
        byte[] one = new byte[1];
        return read(one, 0, 1) < 0 ? -1 : one[0] & 0xff;
    }

    @Override
    public int read(byte[] buffer, int offset, int length) throws IOException {
        end();
        try {
            return super.read(buffer, offset, length);
        } finally {
            begin();
        }
    }

    @Override
    public void close() throws IOException {
        end();
        super.close();
    }
}
