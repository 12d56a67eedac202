package io.ncc.checkin.api;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.RedisHealth;
import io.ncc.checkin.service.RedisLink;
import io.ncc.checkin.service.ServerSettings;
import io.ncc.checkin.service.Service;
import io.ncc.checkin.service.ServiceConfiguration;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;

/** The API server and its parts. */
@SpringBootApplication(proxyBeanMethods = false)
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
    RedisLink redis(RedisClient client) {
        return new RedisLink("api", client).greetedWith(new ServerSettings());
    }

    @Bean
    RedisHealth redisHealthIndicator(RedisLink redis) {
        return new RedisHealth(redis);
    }

    @Bean
    CheckinReader checkinReader(RedisLink redis, Keys keys) {
        return new CheckinReader(redis, keys);
    }

    @Bean
    HashReader hashReader(RedisLink redis) {
        return new HashReader(redis);
    }

    @Bean
    GroupReader groupReader(RedisLink redis, Keys keys) {
        return new GroupReader(redis, keys);
    }

    @Bean
    Keys keys() {
        return Keys.unpartitioned();
    }
}
