package io.ncc.broken.engine;

import org.springframework.boot.SpringApplication;

/** An engine that depends on Spring Boot. */
final class NeedsBoot {

    final SpringApplication application = new SpringApplication();
}
