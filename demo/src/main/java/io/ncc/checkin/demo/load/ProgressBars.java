package io.ncc.checkin.demo.load;

import java.io.Console;
import java.io.PrintWriter;
import java.time.Duration;
import java.util.Optional;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress bars. Where there is no terminal, such as in the log of a container, what takes long gets a line now and then. */
final class ProgressBars {

    private static final int WIDTH = 80;
    private static final Duration BETWEEN_LINES = Duration.ofSeconds(10);

    /** Asked here, because the library would ask JLine, whose native code gives a warning at every start on newer JDKs. */
    private static final boolean TERMINAL = Optional.ofNullable(System.console())
            .filter(ProgressBars::isTerminal)
            .isPresent();

    private ProgressBars() {}

    /** @param out where the lines go if there is no terminal */
    static ProgressBar of(String task, long max, PrintWriter out) {
        return of(task, max, TERMINAL ? ProgressBars::show : new Lines(out, BETWEEN_LINES));
    }

    static ProgressBar of(String task, long max, Consumer<String> display) {
        return new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(max)
                .setStyle(ProgressBarStyle.ASCII)
                .setUpdateIntervalMillis(100)
                .setConsumer(new DelegatingProgressBarConsumer(display, WIDTH))
                .clearDisplayOnFinish()
                .build();
    }

    private static void show(String line) {
        System.out.print('\r' + line);
        System.out.flush();
    }

    /** From JDK 22 on there can be a console without a terminal, and a method that tells. */
    private static boolean isTerminal(Console console) {
        try {
            return (boolean) Console.class.getMethod("isTerminal").invoke(console);
        } catch (NoSuchMethodException e) {
            return true;
        } catch (ReflectiveOperationException e) {
            return false;
        }
    }

    /** Passes on a line when the last one, or the start, is long enough ago. */
    static final class Lines implements Consumer<String> {

        private final PrintWriter out;
        private final long between;
        private long last = System.nanoTime();

        Lines(PrintWriter out, Duration between) {
            this.out = out;
            this.between = between.toNanos();
        }

        /** Called by one thread at a time; also with what clears a bar, which is blank. */
        @Override
        public synchronized void accept(String line) {
            long now = System.nanoTime();
            if (!line.isBlank() && now - last >= between) {
                last = now;
                out.println(line.strip());
                out.flush();
            }
        }
    }
}
