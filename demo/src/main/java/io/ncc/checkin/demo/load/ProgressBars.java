package io.ncc.checkin.demo.load;

import java.io.Console;
import java.util.Optional;
import java.util.function.Consumer;
import me.tongfei.progressbar.DelegatingProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;

/** Progress bars that show on a terminal, and nowhere else: a log file gets none. */
final class ProgressBars {

    private static final int WIDTH = 80;

    /** Asked here, because the library would ask JLine, whose native code gives a warning at every start on newer JDKs. */
    private static final boolean TERMINAL = Optional.ofNullable(System.console())
            .filter(ProgressBars::isTerminal)
            .isPresent();

    private ProgressBars() {}

    static ProgressBar of(String task, long max) {
        Consumer<String> display = TERMINAL ? ProgressBars::show : line -> {};
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
}
