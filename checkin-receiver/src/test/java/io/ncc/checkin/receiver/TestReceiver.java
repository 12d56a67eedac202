package io.ncc.checkin.receiver;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import io.ncc.checkin.testsupport.RealRedis;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import org.slf4j.LoggerFactory;
import org.springframework.context.ConfigurableApplicationContext;

/** The real receiver, in this JVM, and what it logs as a warning or an error. */
final class TestReceiver implements AutoCloseable {

    private final ConfigurableApplicationContext context;
    private final Queue<String> warnings = new ConcurrentLinkedQueue<>();
    private final Queue<String> errors = new ConcurrentLinkedQueue<>();
    private final AppenderBase<ILoggingEvent> appender = new AppenderBase<>() {
        @Override
        protected void append(ILoggingEvent event) {
            boolean ofTheTest = event.getLoggerName().startsWith("com.networknt."); // it validates the answers
            if (event.getLevel().isGreaterOrEqual(Level.WARN) && !ofTheTest) {
                String thrown = event.getThrowableProxy() == null
                        ? ""
                        : " - " + event.getThrowableProxy().getClassName() + ": "
                                + event.getThrowableProxy().getMessage();
                String line = event.getLoggerName() + ": " + event.getFormattedMessage() + thrown;
                (event.getLevel().isGreaterOrEqual(Level.ERROR) ? errors : warnings).add(line);
            }
        }
    };

    TestReceiver(RealRedis redis, String... settings) {
        context = ReceiverApplication.run(settings(redis, settings).toArray(String[]::new));
        appender.start();
        rootLogger().addAppender(appender);
    }

    /** The arguments for a receiver of this Redis. */
    static List<String> settings(RealRedis redis, String... settings) {
        List<String> all = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port(),
                "--spring.data.redis.timeout=500ms"));
        all.addAll(List.of(settings));
        return all;
    }

    private static Logger rootLogger() {
        return (Logger) LoggerFactory.getLogger(org.slf4j.Logger.ROOT_LOGGER_NAME);
    }

    int port() {
        return Integer.parseInt(context.getEnvironment().getRequiredProperty("local.server.port"));
    }

    List<String> errors() {
        return List.copyOf(errors);
    }

    /** What it logs for operators. */
    List<String> warningsAndErrors() {
        List<String> all = new ArrayList<>(warnings);
        all.addAll(errors);
        return all;
    }

    void forgetErrors() {
        warnings.clear();
        errors.clear();
    }

    @Override
    public void close() {
        context.close();
        rootLogger().detachAppender(appender);
    }
}
