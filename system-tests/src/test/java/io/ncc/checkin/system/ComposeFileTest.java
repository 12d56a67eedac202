package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;

final class ComposeFileTest {

    private static final String ONE_REDIS = "docker-compose.yml";
    private static final String CLUSTER = "docker-compose.cluster.yml";

    /** As the services write temporary files only. */
    @ParameterizedTest
    @ValueSource(strings = {ONE_REDIS, CLUSTER})
    void eachContainerOfOursHasAReadOnlyRootAndAWritableTmp(String file) throws IOException {
        assertThat(ours(file).values())
                .hasSize(4)
                .allSatisfy(service ->
                        assertThat(service).containsEntry("read_only", true).containsEntry("tmpfs", "/tmp"));
    }

    @ParameterizedTest
    @ValueSource(strings = {ONE_REDIS, CLUSTER})
    void portsAreOfThisMachineOnly(String file) throws IOException {
        assertThat(services(file).values().stream()
                        .flatMap(service -> ((List<?>) service.getOrDefault("ports", List.of())).stream()))
                .isNotEmpty()
                .allSatisfy(port -> assertThat((String) port).startsWith("127.0.0.1:"));
    }

    /** In a container, the loopback address is that of the container alone. */
    @ParameterizedTest
    @ValueSource(strings = {ONE_REDIS, CLUSTER})
    void theServicesAreOpenAsNobodyElseReachesThem(String file) throws IOException {
        Map<String, Map<String, Object>> services = ours(file);
        services.remove("sample-data");
        assertThat(services.values())
                .hasSize(3)
                .allSatisfy(service -> assertThat(environment(service)).containsEntry("CHECKIN_SECURITY_MODE", "open"));
    }

    /** In the network of the containers the receiver has a name that nobody else knows. */
    @Test
    void theConsoleShowsTheReceiverUnderThePortThatIsPublished() throws IOException {
        Map<String, Map<String, Object>> services = ours(ONE_REDIS);
        String url = (String) environment(services.get("api-server")).get("CHECKIN_API_RECEIVER_PUBLIC_URL");
        String port = url.substring("http://localhost:".length());
        assertThat((List<?>) services.get("checkin-receiver").get("ports"))
                .asString()
                .startsWith("[127.0.0.1:" + port + ":");
    }

    @Test
    void bothFilesRunTheSameServicesExceptWhereRedisIs() throws IOException {
        Set<String> ofRedis = Set.of("SPRING_DATA_REDIS_HOST", "SPRING_DATA_REDIS_CLUSTER_NODES", "CHECKIN_PARTITIONS");
        Map<String, Map<String, Object>> expected = ours(ONE_REDIS);
        Map<String, Map<String, Object>> actual = ours(CLUSTER);
        for (Map<String, Map<String, Object>> services : List.of(expected, actual)) {
            services.values().forEach(service -> {
                service.remove("depends_on");
                environment(service).keySet().removeAll(ofRedis);
            });
        }
        assertThat(actual).isEqualTo(expected);
    }

    @Test
    void inTheClusterAllServicesHaveTheSameNodesAndPartitions() throws IOException {
        Map<String, Map<String, Object>> nodes = new TreeMap<>(services(CLUSTER));
        nodes.keySet().removeIf(name -> !name.startsWith("redis-"));
        String addresses = nodes.keySet().stream().map(name -> name + ":6379").collect(Collectors.joining(","));
        assertThat(nodes).hasSize(6);
        assertThat(ours(CLUSTER).values())
                .allSatisfy(service -> assertThat(environment(service))
                        .containsEntry("SPRING_DATA_REDIS_CLUSTER_NODES", addresses)
                        .containsEntry("CHECKIN_PARTITIONS", 16));
    }

    @Test
    void aNodeOfTheClusterIsSetUpAsTheServicesNeedIt() throws IOException {
        services(CLUSTER).forEach((name, service) -> {
            if (name.startsWith("redis-")) {
                assertThat((String) service.get("command"))
                        .contains("--cluster-enabled yes")
                        .contains("--cluster-require-full-coverage no")
                        .contains("--appendonly yes")
                        .contains("--maxmemory-policy noeviction");
                assertThat(service)
                        .containsEntry("volumes", List.of(name + ":/data"))
                        .containsKey("healthcheck");
            }
        });
    }

    @SuppressWarnings("unchecked")
    private static Map<String, Object> environment(Map<String, Object> service) {
        return (Map<String, Object>) service.get("environment");
    }

    private static Map<String, Map<String, Object>> ours(String file) throws IOException {
        Map<String, Map<String, Object>> services = services(file);
        services.values().removeIf(service -> !service.containsKey("build"));
        return services;
    }

    private static Map<String, Map<String, Object>> services(String file) throws IOException {
        try (Reader in = Files.newBufferedReader(Path.of("..", file))) {
            Map<String, Map<String, Map<String, Object>>> content =
                    new Yaml(new SafeConstructor(new LoaderOptions())).load(in);
            return content.get("services");
        }
    }
}
