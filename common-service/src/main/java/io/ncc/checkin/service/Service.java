package io.ncc.checkin.service;

import org.springframework.boot.Banner;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** Starts one of the services. Each reads a configuration file of its own name, so that several can run in one JVM. */
public final class Service {

    private Service() {}

    /**
     * Starts a service and returns when it is ready.
     *
     * @param name the name of the service's configuration file, without the extension; {@code application} files are read, too
     * @param args {@code --property=value}, as on the command line
     */
    public static ConfigurableApplicationContext run(String name, Class<?> application, String... args) {
        return new SpringApplicationBuilder(application)
                .properties("spring.config.name=application," + name)
                .bannerMode(Banner.Mode.OFF)
                .run(args);
    }
}
