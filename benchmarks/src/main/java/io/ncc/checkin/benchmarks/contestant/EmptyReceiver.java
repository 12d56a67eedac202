package io.ncc.checkin.benchmarks.contestant;

import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.ManagementWebSecurityAutoConfiguration;
import org.springframework.boot.security.autoconfigure.web.servlet.ServletWebSecurityAutoConfiguration;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.Ordered;
import org.springframework.http.MediaType;
import org.springframework.web.HttpRequestHandler;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;

/** The ceiling of the receiver: the same server, and a handler of the same kind that reads the body and answers, with nothing in between. */
@Configuration(proxyBeanMethods = false)
@EnableAutoConfiguration(
        exclude = {ServletWebSecurityAutoConfiguration.class, ManagementWebSecurityAutoConfiguration.class})
public class EmptyReceiver {

    private static final byte[] ANSWER = "{\"id\":\"1609602085397-0\"}".getBytes(StandardCharsets.UTF_8);

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

    @Bean
    HandlerMapping routes() {
        HttpRequestHandler checkins = EmptyReceiver::accept;
        HttpRequestHandler ready = (request, response) -> response.setStatus(HttpServletResponse.SC_OK);
        return new SimpleUrlHandlerMapping(Map.of("/checkins", checkins, "/", ready), Ordered.HIGHEST_PRECEDENCE);
    }

    private static void accept(HttpServletRequest request, HttpServletResponse response) throws IOException {
        request.getInputStream().readNBytes(request.getContentLength());
        response.setStatus(HttpServletResponse.SC_ACCEPTED);
        response.setContentType(MediaType.APPLICATION_JSON_VALUE);
        response.setContentLength(ANSWER.length);
        response.getOutputStream().write(ANSWER);
    }
}
