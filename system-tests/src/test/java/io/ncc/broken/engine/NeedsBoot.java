package io.ncc.broken.engine;

import org.springframework.boot.SpringApplication;

/** An engine that can only be had as a Spring Boot application. */
final class NeedsBoot {

    final SpringApplication application = new SpringApplication();
}
