package io.ncc.checkin.receiver;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.RedisLink;
import io.ncc.checkin.service.ServerSettings;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The receiver and its parts. */
@SpringBootApplication(proxyBeanMethods = false)
@EnableConfigurationProperties(ReceiverProperties.class)
@Import(ServiceConfiguration.class)
public class ReceiverApplication {

    public static void main(String[] args) {
        run(args);
    }

    /** Starts a receiver in this JVM. */
    public static ConfigurableApplicationContext run(String... args) {
        return Service.run("checkin-receiver", ReceiverApplication.class, args);
    }

    @Bean
    RedisLink redis(RedisClient client) {
        return new RedisLink("append", client).greetedWith(new ServerSettings());
    }

    @Bean
    RedisHealth redisHealthIndicator(RedisLink redis) {
        return new RedisHealth(redis);
    }

    @Bean
    CheckinAppender appender(RedisLink redis) {
        return new CheckinAppender(redis, Keys.unpartitioned());
    }
}
