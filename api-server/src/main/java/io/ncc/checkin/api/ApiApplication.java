package io.ncc.checkin.api;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.api.web.ClientWatch;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import io.ncc.redis.RedisLink;
import io.ncc.redis.ServerSettings;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.boot.tomcat.servlet.TomcatServletWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.context.annotation.Primary;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.ServerResponse;

/** The API server. Its parts are found in the packages below. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(ApiProperties.class)
@Import(ServiceConfiguration.class)
public class ApiApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts an API server in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("api-server", ApiApplication.class, args);
    }

    @Bean
    Keys keys() {
        return Keys.unpartitioned();
    }

    @Bean
    RouterFunction<ServerResponse> contract() {
        return ApiContract.of(ApiApplication.class);
    }

    /** Tells the requests that wait, and the followers, that their client is gone. */
    @Bean
    WebServerFactoryCustomizer<TomcatServletWebServerFactory> clientWatch() {
        return factory -> factory.setProtocol(ClientWatch.class.getName());
    }

    /** For all that doesn't block. */
    @Bean
    @Primary
    RedisLink redis(RedisClient client) {
        return new RedisLink("api", client).greetedWith(new ServerSettings());
    }

    /** For the one read that does. */
    @Bean
    RedisLink tailLink(RedisClient client) {
        return new RedisLink("tail", client);
    }

    @Bean
    HealthIndicator redisHealthIndicator(RedisLink redis) {
        return () -> RedisHealth.ask(redis).get();
    }
}
