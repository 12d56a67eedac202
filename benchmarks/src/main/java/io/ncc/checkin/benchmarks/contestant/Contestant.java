package io.ncc.checkin.benchmarks.contestant;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;

/** Something that drains the stream as the processor does: reads what its group has not seen, and counts it into the hashes. */
public interface Contestant {

    /** What need not be measured. */
    void prepare(int entries) throws Exception;

    /** Returns once so many entries are counted and acknowledged. */
    void drain(int entries) throws Exception;

    /** Does what it is told by the lines of the standard input, {@code prepare 1000} and {@code drain 1000}, until that ends. What is done is repeated. */
    static void serve(Contestant contestant) throws Exception {
        try (BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.US_ASCII))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ", 2);
                int entries = Integer.parseInt(words[1]);
                switch (words[0]) {
                    case "prepare" -> contestant.prepare(entries);
                    case "drain" -> contestant.drain(entries);
                    default -> throw new IOException("Not understood: " + line);
                }
                System.out.println(line);
            }
        }
    }
}
