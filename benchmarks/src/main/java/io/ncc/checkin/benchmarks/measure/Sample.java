package io.ncc.checkin.benchmarks.measure;

import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
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

        private final Map<String, List<Long>> pids;
        private final Map<String, Long> before;
        private final long start;

        /** @param pids by the name under which they are shown */
        public Meter(Map<String, List<Long>> pids) {
            this.pids = pids;
            before = nanos();
            start = System.nanoTime();
        }

        /** How many cores each kept busy since then. */
        public Map<String, Double> cores() {
            double elapsed = System.nanoTime() - start;
            Map<String, Double> cores = new LinkedHashMap<>();
            nanos().forEach((name, now) -> cores.put(name, (now - before.getOrDefault(name, 0L)) / elapsed));
            return cores;
        }

        private Map<String, Long> nanos() {
            Map<String, Long> nanos = new LinkedHashMap<>();
            pids.forEach((name, some) ->
                    nanos.put(name, some.stream().mapToLong(Meter::nanos).sum()));
            return nanos;
        }

        private static long nanos(long pid) {
            return ProcessHandle.of(pid)
                    .flatMap(process -> process.info().totalCpuDuration())
                    .map(Duration::toNanos)
                    .orElse(0L);
        }
    }
}
