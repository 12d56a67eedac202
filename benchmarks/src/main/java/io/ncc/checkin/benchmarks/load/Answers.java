package io.ncc.checkin.benchmarks.load;

import org.HdrHistogram.Histogram;

/**
 * The answers of one run of a {@link HttpLoad}.
 *
 * @param failed those that were not 2xx, and requests whose connection broke
 * @param seconds from the first request to the last answer
 * @param latency of each answer, in nanoseconds
 */
public record Answers(long succeeded, long failed, double seconds, Histogram latency) {

    public double perSecond() {
        return succeeded / seconds;
    }

    /**
     * The same answers.
     *
     * @throws IllegalStateException if a request failed: what is measured then is something else
     */
    public Answers requireNoFailure(String what) {
        if (failed > 0) {
            throw new IllegalStateException(
                    what + ": " + failed + " of " + (failed + succeeded) + " requests were not answered with 2xx");
        }
        return this;
    }
}
