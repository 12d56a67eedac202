package io.ncc.checkin.benchmarks.measure;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;

/**
 * What one contestant did in one round.
 *
 * @param perSecond how much of what is measured
 * @param cores of each process, how many cores it kept busy: processor time by time
 * @param latency in nanoseconds, where it was measured
 */
public record Sample(
        double perSecond,
        Map<String, Double> cores,
        @Nullable Histogram latency) {

    /** Reads the processor time of processes, then and now. */
    public static final class Meter {

        private final Map<String, long[]> pids;
        private final Map<String, Long> before = new LinkedHashMap<>();
        private final long start;

        /** @param pids by the name under which they are shown */
        public Meter(Map<String, long[]> pids) {
            this.pids = pids;
            pids.forEach((name, some) -> before.put(name, nanos(some)));
            start = System.nanoTime();
        }

        public Map<String, Double> cores() {
            long elapsed = System.nanoTime() - start;
            Map<String, Double> cores = new LinkedHashMap<>();
            pids.forEach((name, some) -> cores.put(name, (nanos(some) - before.get(name)) / (double) elapsed));
            return cores;
        }

        private static long nanos(long[] pids) {
            long sum = 0;
            for (long pid : pids) {
                sum += ProcessHandle.of(pid)
                        .flatMap(process -> process.info().totalCpuDuration())
                        .map(Duration::toNanos)
                        .orElse(0L);
            }
            return sum;
        }
    }
}
