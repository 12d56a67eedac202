package io.ncc.checkin.demo.load;

import io.lettuce.core.ClientOptions;
import io.lettuce.core.ClientOptions.DisconnectedBehavior;
import io.lettuce.core.MaintNotificationsConfig;
import io.lettuce.core.RedisException;
import io.lettuce.core.TimeoutOptions;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.RedisConfiguration;
import io.ncc.redis.RedisServers;
import io.ncc.redis.UnfitServerException;
import java.io.PrintWriter;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.BeansException;
import org.springframework.boot.Banner;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.autoconfigure.ssl.SslAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientOptionsBuilderCustomizer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import picocli.CommandLine;
import picocli.CommandLine.UnmatchedArgumentException;

/** Lets a command find Redis as the services do: by settings of Spring and {@code checkin.partitions}. */
final class RedisAccess {

    private final CommandLine command;
    private final List<String> settings;

    /**
     * Of one command.
     *
     * @param settings the arguments that the command doesn't know
     * @throws UnmatchedArgumentException if one of them is no such setting
     */
    RedisAccess(CommandLine command, List<String> settings) {
        this.command = command;
        this.settings = settings;
        List<String> unknown = settings.stream()
                .filter(argument -> !argument.startsWith("--spring.") && !argument.startsWith("--checkin.partitions="))
                .toList();
        if (!unknown.isEmpty()) {
            throw new UnmatchedArgumentException(command, unknown);
        }
    }

    /** What a command does with Redis. */
    @FunctionalInterface
    interface Task {

        void run(Partitions partitions, RedisServers servers, PrintWriter out) throws LoadException;
    }

    /** Returns the exit code. What is wrong is told on the error output. */
    int run(Task task) {
        try (var context = context()) {
            task.run(context.getBean(Partitions.class), context.getBean(RedisServers.class), command.getOut());
            return 0;
        } catch (LoadException e) {
            return failed(e.getMessage());
        } catch (RedisException e) {
            Throwable cause = e.getCause() == null ? e : e.getCause(); // a failure to connect says where only there
            return failed("Redis: " + cause.getMessage());
        } catch (UnfitServerException e) {
            return failed("Redis is refused: " + e.getMessage());
        } catch (BeansException e) {
            return failed(
                    "the settings for Redis or checkin.partitions are wrong"); // Boot has reported which, and where
            // from
        }
    }

    private int failed(@Nullable String message) {
        command.getErr().println(command.getColorScheme().errorText(String.valueOf(message)));
        return 1;
    }

    private ConfigurableApplicationContext context() {
        return new SpringApplicationBuilder(Beans.class)
                .web(WebApplicationType.NONE)
                .bannerMode(Banner.Mode.OFF)
                .logStartupInfo(false)
                .registerShutdownHook(false)
                .properties("logging.level.root=ERROR")
                .run(settings.toArray(String[]::new));
    }

    /** After a reconnect Lettuce would repeat commands, and a repeated XADD fails as a duplicate: a lost connection ends the command. */
    static ClientOptions.Builder noReconnect(ClientOptions.Builder options) {
        return options.autoReconnect(false)
                .disconnectedBehavior(DisconnectedBehavior.REJECT_COMMANDS)
                .maintNotificationsConfig(MaintNotificationsConfig.disabled())
                .timeoutOptions(TimeoutOptions.enabled());
    }

    /** What Boot makes of {@code spring.data.redis.*}, without any service around it. */
    @Configuration(proxyBeanMethods = false)
    @ImportAutoConfiguration({SslAutoConfiguration.class, DataRedisAutoConfiguration.class})
    @Import(RedisConfiguration.class)
    static class Beans {

        @Bean
        LettuceClientOptionsBuilderCustomizer clientOptions() {
            return RedisAccess::noReconnect;
        }
    }
}
