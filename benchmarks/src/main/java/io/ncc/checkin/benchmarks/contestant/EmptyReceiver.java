package io.ncc.checkin.benchmarks.contestant;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.http.HttpStatus;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** The ceiling of the receiver: the same server, with an endpoint that parses and validates a checkin and does nothing with it. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration
@Import(EmptyReceiver.Endpoint.class)
public class EmptyReceiver {

    /** Starts it in this JVM, with the settings that the services have in common. */
    public static void run(int port, int redisPort) {
        SpringApplication.run(
                EmptyReceiver.class,
                "--spring.config.import=classpath:checkin-common.yml",
                "--spring.main.banner-mode=off",
                "--logging.level.root=warn",
                "--server.port=" + port,
                "--spring.data.redis.port=" + redisPort);
    }

    @RestController
    static final class Endpoint {

        @PostMapping("/checkins")
        @ResponseStatus(HttpStatus.ACCEPTED)
        Accepted post(@RequestBody Checkin checkin) {
            checkin.validate();
            return new Accepted("1609602085397-0");
        }

        @GetMapping("/")
        String ready() {
            return "";
        }
    }

    record Checkin(long userId, long locationId, int starRating) {

        void validate() {
            if (userId < 1 || locationId < 1 || starRating < 0 || starRating > 5) {
                throw new IllegalArgumentException();
            }
        }
    }

    record Accepted(String id) {}
}
