package io.ncc.checkin.benchmarks.measure;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;

/** Lets contestants do the same job, in turns: what disturbs the machine disturbs all of them. */
public final class Contest {

    private final String title;
    private final String unit;
    private final Map<String, Supplier<Sample>> contestants = new LinkedHashMap<>();

    /**
     * Without contestants.
     *
     * @param unit of what is counted, such as {@code checkins}
     */
    public Contest(String title, String unit) {
        this.title = title;
        this.unit = unit;
    }

    /**
     * Adds a contestant.
     *
     * @param round does the job once, and checks the result
     */
    public Contest add(String contestant, Supplier<Sample> round) {
        contestants.put(contestant, round);
        return this;
    }

    /** Runs the rounds; which contestant begins changes from one to the next. */
    public Result run(int warmUps, int rounds, Consumer<String> progress) {
        List<String> names = new ArrayList<>(contestants.keySet());
        Map<String, List<Sample>> samples = new LinkedHashMap<>();
        names.forEach(name -> samples.put(name, new ArrayList<>()));
        for (int round = -warmUps; round < rounds; round++) {
            for (int i = 0; i < names.size(); i++) {
                String name = names.get(Math.floorMod(round + i, names.size()));
                Sample sample = Objects.requireNonNull(contestants.get(name)).get();
                progress.accept("%s: %s, %s: %,.0f %s/s"
                        .formatted(
                                title,
                                round < 0 ? "warm-up" : "round " + (round + 1) + " of " + rounds,
                                name,
                                sample.perSecond(),
                                unit));
                if (round >= 0) {
                    Objects.requireNonNull(samples.get(name)).add(sample);
                }
            }
        }
        return new Result(title, unit, samples);
    }

    /**
     * What came of it.
     *
     * @param samples of each contestant, one for each round that counts
     */
    public record Result(String title, String unit, Map<String, List<Sample>> samples) {

        public int rounds() {
            return samples.values().iterator().next().size();
        }

        public Spread perSecond(String contestant) {
            return Spread.of(of(contestant).stream().map(Sample::perSecond).toList());
        }

        /** How many times as quick one is as another, round by round. */
        public Spread ratio(String contestant, String to) {
            List<Double> ratios = new ArrayList<>();
            for (int round = 0; round < of(to).size(); round++) {
                ratios.add(of(contestant).get(round).perSecond()
                        / of(to).get(round).perSecond());
            }
            return Spread.of(ratios);
        }

        /** Of all rounds together; empty if none was measured. */
        public Histogram latency(String contestant) {
            Histogram all = new Histogram(3);
            of(contestant).stream()
                    .map(Sample::latency)
                    .filter(Objects::nonNull)
                    .forEach(all::add);
            return all;
        }

        private List<Sample> of(String contestant) {
            return Objects.requireNonNull(samples.get(contestant), contestant);
        }
    }
}
