package io.ncc.checkin.benchmarks.report;

import io.ncc.checkin.benchmarks.measure.Contest;
import io.ncc.checkin.benchmarks.measure.Spread;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.HdrHistogram.Histogram;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.json.JsonMapper;

/** Collects what one benchmark has measured, and writes it down. */
public final class Report {

    private static final JsonMapper JSON = JsonMapper.builder().build();

    private final String name;
    private final @Nullable String tooLittle;
    private final List<Target> targets = new ArrayList<>();
    private final List<String> sections = new ArrayList<>();
    private final Map<String, Object> json = new LinkedHashMap<>();
    private final Map<String, String> plots = new LinkedHashMap<>();

    /**
     * Of one benchmark.
     *
     * @param name of its files
     * @param tooLittle why the run is too short to judge targets by; empty if it isn't
     */
    public Report(String name, Optional<String> tooLittle) {
        this.name = name;
        this.tooLittle = tooLittle.orElse(null);
    }

    /**
     * A table of the contestants.
     *
     * @param baseline what the others are compared with
     */
    public void contest(Contest.Result result, String baseline, String note) {
        List<String> processes = new ArrayList<>(result.samples().values().stream()
                .flatMap(samples -> samples.stream().flatMap(sample -> sample.cores().keySet().stream()))
                .collect(Collectors.toCollection(TreeSet::new)));
        List<String> header =
                new ArrayList<>(List.of("", result.unit() + "/s", "spread", "ratio", "spread", "p50", "p99"));
        processes.forEach(process -> header.add("cores: " + process));
        List<List<String>> rows = new ArrayList<>();
        result.samples().forEach((name, samples) -> {
            Spread perSecond = result.perSecond(name);
            Spread ratio = result.ratio(name, baseline);
            List<String> row = new ArrayList<>(List.of(
                    name,
                    number("%,.0f", perSecond.median()),
                    number("%,.0f", perSecond.min()) + " to " + number("%,.0f", perSecond.max()),
                    number("%.2f", ratio.median()),
                    number("%.2f", ratio.min()) + " to " + number("%.2f", ratio.max()),
                    latency(result, name, 50),
                    latency(result, name, 99)));
            for (String process : processes) {
                row.add(number(
                        "%.2f",
                        Spread.of(samples.stream()
                                        .map(sample -> sample.cores().getOrDefault(process, 0.0))
                                        .toList())
                                .median()));
            }
            rows.add(row);
        });
        table(result.title(), (note + " Rounds: " + result.rounds() + '.').strip(), header, rows);
        json.put(result.title(), json(result));
    }

    /** Two contests between the same contestants, before and after they are warm. */
    public void coldAndWarm(Contest.Result cold, Contest.Result warm, int requests, String note) {
        List<List<String>> rows = new ArrayList<>();
        for (String name : cold.samples().keySet()) {
            Spread perSecond = cold.perSecond(name);
            rows.add(List.of(
                    name,
                    number("%.2f s", requests / perSecond.median()),
                    number("%.2f", requests / perSecond.max()) + " to " + number("%.2f", requests / perSecond.min()),
                    latency(cold, name, 50),
                    latency(cold, name, 99),
                    number("%,.0f", warm.perSecond(name).median()),
                    latency(warm, name, 50),
                    latency(warm, name, 99)));
        }
        table(
                cold.title(),
                (note + " Rounds: " + cold.rounds() + '.').strip(),
                List.of("", "took", "spread", "p50", "p99", "warm: " + warm.unit() + "/s", "warm: p50", "warm: p99"),
                rows);
        json.put(cold.title(), json(cold));
        json.put(warm.title(), json(warm));
    }

    private static String latency(Contest.Result result, String contestant, double percentile) {
        Histogram all = result.latency(contestant);
        return all.getTotalCount() == 0 ? "" : number("%.2f ms", all.getValueAtPercentile(percentile) / 1e6);
    }

    private static Map<String, Object> json(Contest.Result result) {
        Map<String, Object> contestants = new LinkedHashMap<>();
        result.samples()
                .forEach((name, samples) -> contestants.put(
                        name,
                        samples.stream()
                                .map(sample -> {
                                    Map<String, Object> values = new LinkedHashMap<>();
                                    values.put("perSecond", sample.perSecond());
                                    values.put("cores", sample.cores());
                                    Histogram latency = sample.latency();
                                    if (latency != null) {
                                        for (double percentile : new double[] {50, 90, 99, 99.9}) {
                                            values.put(
                                                    "p" + percentile + "ms",
                                                    latency.getValueAtPercentile(percentile) / 1e6);
                                        }
                                    }
                                    return values;
                                })
                                .toList()));
        return Map.of("unit", result.unit(), "contestants", contestants);
    }

    /** One of the targets: a ratio that should be at least so much. */
    public void target(String what, double atLeast, Spread measured) {
        targets.add(new Target(what, atLeast, true, measured, tooLittle));
    }

    /** One of the targets: a time that should be less. */
    public void targetAtMost(String what, double less, double measured) {
        targets.add(new Target(what, less, false, Spread.of(List.of(measured)), tooLittle));
    }

    public void table(String title, String note, List<String> header, List<List<String>> rows) {
        StringBuilder text = new StringBuilder("## ").append(title).append("\n\n");
        if (!note.isEmpty()) {
            text.append(note).append("\n\n");
        }
        text.append(row(header)).append(row(header.stream().map(name -> "---").toList()));
        rows.forEach(row -> text.append(row(row)));
        sections.add(text.toString());
    }

    private static String row(List<String> cells) {
        return "| " + String.join(" | ", cells) + " |\n";
    }

    private static String number(String format, double value) {
        return String.format(Locale.ROOT, format, value);
    }

    /** A bar for each contestant, beside those of other contests. */
    public void bars(String file, Contest.Result result) {
        plot(file, result.title(), Plots.bars(result));
    }

    /** Both axes are logarithmic. */
    public void lines(String file, String title, String x, String y, List<Line> lines) {
        plot(file, title, Plots.lines(title, x, y, lines));
        json.put(title, json(lines));
    }

    public void percentiles(String file, String title, List<Line> lines) {
        plot(file, title, Plots.lines(title, "one request in so many is slower", "ms", lines));
        json.put(title, json(lines));
        table(
                title,
                "Requests are sent when they are due, whether or not earlier ones are answered; times count from then.",
                List.of("", "p50", "p90", "p99", "p99.9"),
                lines.stream()
                        .map(line -> List.of(line.name(), at(line, 50), at(line, 90), at(line, 99), at(line, 99.9)))
                        .toList());
    }

    private static String at(Line percentiles, double percentile) {
        double x = 100 / (100 - percentile);
        return percentiles.points().stream()
                .filter(point -> point[0] == x)
                .map(point -> number("%.2f ms", point[1]))
                .findFirst()
                .orElse("");
    }

    private static List<?> json(List<Line> lines) {
        return lines.stream()
                .map(line -> Map.of("name", line.name(), "points", line.points()))
                .toList();
    }

    private void plot(String file, String title, String svg) {
        plots.put(file + ".svg", svg);
        sections.add("![" + title + "](" + file + ".svg)\n");
    }

    /**
     * Writes the page, {@code <name>.md}, what is in it as {@code <name>.json}, and the plots.
     *
     * @param about how it was measured: names and values
     */
    public void write(Path folder, Map<String, String> about) throws IOException {
        Files.createDirectories(folder);
        StringBuilder text = new StringBuilder("# ").append(name).append("\n\n");
        text.append(row(List.of("", ""))).append(row(List.of("---", "---")));
        about.forEach((what, value) -> text.append(row(List.of(what, value))));
        sections.forEach(section -> text.append('\n').append(section));
        Files.writeString(folder.resolve(name + ".md"), text);
        Map<String, Object> all = new LinkedHashMap<>();
        all.put("about", about);
        all.put("targets", targets);
        all.putAll(json);
        Files.writeString(
                folder.resolve(name + ".json"),
                JSON.writerWithDefaultPrettyPrinter().writeValueAsString(all) + "\n");
        for (Map.Entry<String, String> plot : plots.entrySet()) {
            Files.writeString(folder.resolve(plot.getKey()), plot.getValue());
        }
    }

    /**
     * Writes {@code README.md}: the targets of all pages that are in the folder, from this run or an earlier one.
     *
     * @param names of all benchmarks, in their order
     * @return the targets, as a table
     */
    public static String writeIndex(Path folder, Collection<String> names) throws IOException {
        StringBuilder targets = new StringBuilder();
        targets.append(row(List.of("", "target", "measured", "spread", "met")));
        targets.append(row(List.of("---", "---", "---", "---", "---")));
        StringBuilder pages = new StringBuilder();
        Set<String> tooLittle = new LinkedHashSet<>();
        for (String name : names) {
            Path page = folder.resolve(name + ".json");
            if (Files.exists(page)) {
                JSON.readTree(page).path("targets").forEach(json -> {
                    Target target = JSON.treeToValue(json, Target.class);
                    targets.append(row(target.cells()));
                    if (target.tooLittle() != null) {
                        tooLittle.add(target.tooLittle());
                    }
                });
                pages.append("- [").append(name).append("](").append(name).append(".md)\n");
            }
        }
        tooLittle.forEach(reason -> targets.append("\nNot judged, because the run was too short: ")
                .append(reason)
                .append(".\n"));
        Files.writeString(folder.resolve("README.md"), """
                # Results

                Written by the [benchmarks](../../benchmarks/README.md). The contestants take turns; each figure is the median of the rounds, with the lowest and the
                highest beside it. Ratios are taken within each round, and what is shown is their median, not the ratio of two medians. *Cores* says how many cores a process kept busy.

                %s
                %s""".formatted(targets, pages));
        return targets.toString();
    }
}
