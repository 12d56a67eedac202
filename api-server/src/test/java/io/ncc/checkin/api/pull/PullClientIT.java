package io.ncc.checkin.api.pull;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.testsupport.RandomCheckins;
import io.ncc.checkin.testsupport.RealRedis;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.context.ConfigurableApplicationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The example in docs/pulling.md. */
@Timeout(60)
final class PullClientIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    @Test
    void theExampleSeesEachCheckinOnceAndAcknowledgesIt() throws Exception {
        try (ConfigurableApplicationContext api = ApiApplication.run(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port())) {
            String url = "http://localhost:" + api.getEnvironment().getRequiredProperty("local.server.port")
                    + "/groups/mine";
            new RandomCheckins(1, 10, 10).append(redis.commands(), 1_000);
            HttpRequest make = HttpRequest.newBuilder(URI.create(url + "?from=0"))
                    .PUT(BodyPublishers.noBody())
                    .build();
            assertThat(new PullClient(url)
                            .http
                            .send(make, BodyHandlers.discarding())
                            .statusCode())
                    .isEqualTo(201);

            String last = ids().get(999);
            List<String> seen = new PullClient(url)
                    .checkins("me")
                    .map(checkin -> checkin.get("id").asString())
                    .takeWhile(id -> !id.equals(last))
                    .toList();

            assertThat(seen).isEqualTo(ids().subList(0, 999));
            assertThat(redis.commands()
                            .xpending(Keys.unpartitioned().checkins(), "mine")
                            .getCount())
                    .isZero();
        }
    }

    private static List<String> ids() {
        return redis.commands().xrange(Keys.unpartitioned().checkins(), Range.unbounded()).stream()
                .map(StreamMessage::getId)
                .toList();
    }

    @Test
    void theDocumentShowsThisExample() throws IOException {
        Path source = Path.of("src/test/java", getClass().getName().replace('.', '/') + ".java");
        String code = Files.readString(source);
        String example = code.substring(code.lastIndexOf("    static final class PullClient"), code.lastIndexOf('}'))
                .stripTrailing()
                .stripIndent()
                .replaceFirst("static final ", "");
        assertThat(Files.readString(Path.of("../docs/pulling.md"))).contains(example);
    }

    static final class PullClient {

        final HttpClient http = HttpClient.newHttpClient();
        final JsonMapper json = new JsonMapper();
        final String group;

        PullClient(String group) {
            this.group = group;
        }

        /** Checkins, without end. Those that were pulled together are acknowledged when the last of them has been consumed. */
        Stream<JsonNode> checkins(String consumer) {
            return Stream.generate(() -> post("/consumers/" + consumer + "/pull?wait=20s", Map.of())
                            .get("items"))
                    .flatMap(items -> items.valueStream().onClose(() -> acknowledge(items)));
        }

        private void acknowledge(JsonNode items) {
            if (!items.isEmpty()) {
                post(
                        "/ack",
                        Map.of(
                                "ids",
                                items.valueStream().map(item -> item.get("id")).toList()));
            }
        }

        private JsonNode post(String path, Object body) {
            try {
                HttpRequest request = HttpRequest.newBuilder(URI.create(group + path))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json.writeValueAsString(body)))
                        .build();
                return json.readTree(http.send(request, BodyHandlers.ofString()).body());
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
