package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.Mockito.mock;

import io.lettuce.core.AclSetuserArgs;
import io.lettuce.core.RedisClient;
import io.lettuce.core.RedisCredentialsProvider;
import io.lettuce.core.RedisCredentialsProvider.ImmediateRedisCredentialsProvider;
import io.lettuce.core.api.StatefulRedisConnection;
import io.lettuce.core.codec.StringCodec;
import io.ncc.checkin.testsupport.RealCluster;
import io.ncc.checkin.testsupport.RealCluster.Node;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisCluster;
import io.ncc.redis.RedisServers;
import io.ncc.redis.SingleRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.data.redis.autoconfigure.DataRedisAutoConfiguration;
import org.springframework.boot.data.redis.autoconfigure.LettuceClientConfigurationBuilderCustomizer;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.data.redis.connection.RedisStandaloneConfiguration;
import org.springframework.data.redis.connection.lettuce.LettuceConnectionFactory;
import org.springframework.data.redis.connection.lettuce.RedisCredentialsProviderFactory;

/** What {@code spring.data.redis.*} says, reaches the connections of links. */
@Timeout(60)
final class RedisConfigurationIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    @RegisterExtension
    static final RealCluster cluster = RealCluster.withoutReplicas();

    private final ApplicationContextRunner services = new ApplicationContextRunner()
            .withConfiguration(AutoConfigurations.of(DataRedisAutoConfiguration.class))
            .withUserConfiguration(RedisConfiguration.class, LinkConfiguration.class)
            .withPropertyValues(
                    "spring.data.redis.timeout=1500ms",
                    "spring.data.redis.client-name=test",
                    "spring.data.redis.username=app",
                    "spring.data.redis.password=secret");

    private static AclSetuserArgs anything() {
        return AclSetuserArgs.Builder.on().addPassword("secret").allKeys().allCommands();
    }

    private static void assertThatItIsAsConfigured(StatefulRedisConnection<String, String> connection) {
        assertThat(connection.sync().aclWhoami()).isEqualTo("app");
        assertThat(connection.sync().clientGetname()).isEqualTo("test");
        assertThat(connection.getTimeout()).isEqualTo(Duration.ofMillis(1500));
        assertThat(connection.getOptions().isAutoReconnect()).isFalse();
    }

    @Test
    void withTheNodesOfAClusterAConnectionGoesToTheNodeThatHasTheKey() {
        cluster.nodes().forEach(node -> node.commands().aclSetuser("app", anything()));
        List<StatefulRedisConnection<String, String>> connections = new ArrayList<>();
        services.withPropertyValues(
                        "checkin.partitions=4",
                        "spring.data.redis.cluster.nodes=127.0.0.1:"
                                + cluster.nodes().get(0).port())
                .run(service -> {
                    RedisServers servers = service.getBean(RedisServers.class);
                    assertThat(servers).isInstanceOf(RedisCluster.class);
                    for (Node node : cluster.nodes()) {
                        String key = cluster.keyOf(node);
                        var connection = servers.holding(key).connect(StringCodec.UTF8);
                        connections.add(connection);
                        assertThatItIsAsConfigured(connection);
                        assertThat(connection.sync().set(key, "value")).isEqualTo("OK");
                    }
                });
        assertThat(connections).hasSize(3).noneMatch(StatefulRedisConnection::isOpen);
    }

    @Test
    void aClusterNeedsPartitions() {
        services.withPropertyValues("spring.data.redis.cluster.nodes=127.0.0.1:1")
                .run(service ->
                        assertThat(service.getStartupFailure()).rootCause().hasMessageContaining("checkin.partitions"));
    }

    @Test
    void withoutThemThereIsOneServerForAllKeys() {
        redis.commands().aclSetuser("app", anything());
        services.withPropertyValues("spring.data.redis.host=" + redis.host(), "spring.data.redis.port=" + redis.port())
                .run(service -> {
                    RedisServers servers = service.getBean(RedisServers.class);
                    assertThat(servers).isInstanceOf(SingleRedis.class);
                    var connection = servers.holding("any").connect(StringCodec.UTF8);
                    assertThatItIsAsConfigured(connection);
                    service.getBean(RedisClient.class).close();
                    assertThat(connection.isOpen()).isFalse();
                });
    }

    @Test
    void aUserMayHaveNoPassword() {
        redis.commands()
                .aclSetuser(
                        "open", AclSetuserArgs.Builder.on().nopass().allKeys().allCommands());
        services.withPropertyValues(
                        "spring.data.redis.host=" + redis.host(),
                        "spring.data.redis.port=" + redis.port(),
                        "spring.data.redis.username=open",
                        "spring.data.redis.password=")
                .run(service -> {
                    var connection =
                            service.getBean(RedisServers.class).holding("any").connect(StringCodec.UTF8);
                    assertThat(connection.sync().aclWhoami()).isEqualTo("open");
                });
        redis.commands().aclDeluser("open");
    }

    @Test
    void aPasswordMayBeTheDefaultUsers() {
        services.withPropertyValues("spring.data.redis.username=", "spring.data.redis.url=redis://:secret@127.0.0.1:1")
                .run(service -> {
                    LettuceConnectionFactory factory = service.getBean(LettuceConnectionFactory.class);
                    assertThat(factory.getClientConfiguration().getRedisCredentialsProviderFactory())
                            .map(credentials ->
                                    credentials.createCredentialsProvider(factory.getStandaloneConfiguration()))
                            .hasValueSatisfying(provider -> assertThat(
                                            provider.resolveCredentials().block())
                                    .matches(user -> user != null && !user.hasUsername() && user.hasPassword()));
                });
    }

    @Test
    void credentialsAreImmediateUnlessSomeoneBringsOthers() {
        assertThatCredentialsAre(ImmediateRedisCredentialsProvider.class, services);
        var others = mock(RedisCredentialsProvider.class);
        assertThatCredentialsAre(
                others.getClass(),
                services.withBean(
                        LettuceClientConfigurationBuilderCustomizer.class,
                        () -> settings ->
                                settings.redisCredentialsProviderFactory(new RedisCredentialsProviderFactory() {
                                    @Override
                                    public RedisCredentialsProvider createCredentialsProvider(
                                            org.springframework.data.redis.connection.RedisConfiguration server) {
                                        return others;
                                    }
                                })));
    }

    private static void assertThatCredentialsAre(Class<?> type, ApplicationContextRunner services) {
        services.run(service -> assertThat(service.getBean(LettuceConnectionFactory.class)
                        .getClientConfiguration()
                        .getRedisCredentialsProviderFactory())
                .map(factory -> factory.createCredentialsProvider(new RedisStandaloneConfiguration()))
                .containsInstanceOf(type));
    }
}
