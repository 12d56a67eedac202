package io.ncc.checkin.api.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

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
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
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
    void theExampleSeesEachCheckinAndAcknowledgesThoseThatItsConsumerTook() throws Exception {
        try (ConfigurableApplicationContext api = ApiApplication.run(
                "--server.port=0",
                "--checkin.api.claim-after=500ms",
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
            List<String> ids = ids();

            List<String> seen = consumedUntil(url, ids.get(549));
            assertThat(seen).isEqualTo(ids.subList(0, 550));
            assertThat(pending()).isEqualTo(100);

            Thread.sleep(600);
            List<String> seenLater = consumedUntil(url, ids.get(999));
            assertThat(seenLater).containsAll(ids.subList(500, 1_000)).doesNotContainAnyElementsOf(ids.subList(0, 500));
        }
    }

    /** What a consumer gets that fails at one of them. */
    private static List<String> consumedUntil(String url, String lastId) {
        List<String> seen = new ArrayList<>();
        assertThatExceptionOfType(UnsupportedOperationException.class)
                .isThrownBy(() -> new PullClient(url).forEach("me", checkin -> {
                    seen.add(checkin.get("id").asString());
                    if (seen.contains(lastId)) {
                        throw new UnsupportedOperationException();
                    }
                }));
        return seen;
    }

    private static long pending() {
        return redis.commands()
                .xpending(Keys.unpartitioned().checkins(), "mine")
                .getCount();
    }

    @Test
    void theExampleEndsWithWhatTheServerSays() throws Exception {
        try (ConfigurableApplicationContext api = ApiApplication.run(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port())) {
            String url = "http://localhost:" + api.getEnvironment().getRequiredProperty("local.server.port")
                    + "/groups/nobodys";
            assertThatIllegalStateException()
                    .isThrownBy(() -> new PullClient(url).forEach("me", checkin -> {}))
                    .withMessageContaining("404");
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

        /**
         * Gives each checkin to the action, without end. Those that were pulled together are acknowledged when it has taken the last of them; if it
         * fails at one, they come again.
         */
        void forEach(String consumer, Consumer<JsonNode> action) {
            while (true) {
                JsonNode items = post("/consumers/" + consumer + "/pull?wait=20s", Map.of())
                        .get("items");
                items.forEach(action);
                if (!items.isEmpty()) {
                    List<JsonNode> ids =
                            items.valueStream().map(item -> item.get("id")).toList();
                    post("/ack", Map.of("ids", ids));
                }
            }
        }

        private JsonNode post(String path, Object body) {
            try {
                HttpRequest request = HttpRequest.newBuilder(URI.create(group + path))
                        .header("Content-Type", "application/json")
                        .POST(BodyPublishers.ofString(json.writeValueAsString(body)))
                        .build();
                HttpResponse<String> answer = http.send(request, BodyHandlers.ofString());
                if (answer.statusCode() != 200) {
                    throw new IllegalStateException(answer.statusCode() + " " + answer.body());
                }
                return json.readTree(answer.body());
            } catch (IOException | InterruptedException e) {
                throw new IllegalStateException(e);
            }
        }
    }
}
