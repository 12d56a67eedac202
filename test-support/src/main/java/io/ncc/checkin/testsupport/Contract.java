package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonPointer;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The contract of a service, an OpenAPI document, and whether answers keep to it. */
public final class Contract {

    private static final JsonMapper JSON = new JsonMapper();
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private static final String PROBLEM_JSON = "application/problem+json";

    /** What a server answers by itself to a request that is no good HTTP/1.1: the response {@code default} of a route describes it. */
    private static final Set<Integer> OF_HTTP_ITSELF = Set.of(417, 501, 505);

    /** Headers that mean something to a client, so a response that has one must say so. */
    private static final List<String> TELLING_HEADERS =
            List.of("Accept", "Accept-Encoding", "Location", "RateLimit", "RateLimit-Policy", "Retry-After");

    private final String text;
    private final JsonNode document;
    private final Map<String, Schema> schemas = new ConcurrentHashMap<>();

    private Contract(String text) {
        this.text = text;
        this.document = new YAMLMapper().readTree(text);
    }

    /** Reads the YAML. */
    public static Contract read(URL file) {
        try (InputStream in = file.openStream()) {
            return new Contract(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** As it stands in the file. */
    public String text() {
        return text;
    }

    public JsonNode document() {
        return document;
    }

    /** Each {@code METHOD /path}. */
    public Set<String> routes() {
        return document.get("paths")
                .propertyStream()
                .flatMap(path -> path.getValue().propertyNames().stream()
                        .map(method -> method.toUpperCase(Locale.ROOT) + ' ' + path.getKey()))
                .collect(Collectors.toSet());
    }

    /** The media types that a route takes. */
    public Set<String> consumes(String method, String path) {
        JsonNode operation = resolved(document.at(pointer("paths", path, method.toLowerCase(Locale.ROOT))));
        return Set.copyOf(resolved(operation.get("requestBody")).get("content").propertyNames());
    }

    /** Fails if an answer is not as the contract says; whatever the route, an error must be a problem. */
    public void check(
            @Nullable String method,
            @Nullable String path,
            int status,
            Function<String, @Nullable String> header,
            String body) {
        String what = method + " " + path + ": " + status + ' ' + body;
        JsonNode operation = operation(method, path);
        if (operation == null) {
            if (status >= 400 && PROBLEM_JSON.equals(header.apply("Content-Type"))) {
                requireValid(schema("Problem", document.at("/components/schemas/Problem")), JSON.readTree(body), what);
            }
            return;
        }
        JsonNode responses = operation.get("responses");
        JsonNode found = responses.get(Integer.toString(status));
        if (found == null && OF_HTTP_ITSELF.contains(status)) {
            found = responses.get("default");
        }
        assertThat(found).as("the response in the contract for %s", what).isNotNull();
        JsonNode response = resolved(found);
        checkHeaders(response, header, what);
        checkBody(path + ' ' + status, response, header.apply("Content-Type"), body, what);
    }

    private @Nullable JsonNode operation(@Nullable String method, @Nullable String path) {
        if (method == null || path == null) {
            return null;
        }
        JsonNode operation = document.at(pointer("paths", path, method.toLowerCase(Locale.ROOT)));
        return operation.isMissingNode() ? null : operation;
    }

    private void checkHeaders(JsonNode response, Function<String, @Nullable String> header, String what) {
        JsonNode headers = response.has("headers") ? response.get("headers") : JSON.createObjectNode();
        headers.propertyStream().forEach(entry -> {
            JsonNode description = resolved(entry.getValue());
            String value = header.apply(entry.getKey());
            if (value == null) {
                assertThat(description.path("required").asBoolean())
                        .as("%s is required in %s", entry.getKey(), what)
                        .isFalse();
            } else {
                boolean number =
                        description.at("/schema/type").asString("").equals("integer") && value.matches("\\d{1,9}");
                JsonNode json = number ? IntNode.valueOf(Integer.parseInt(value)) : StringNode.valueOf(value);
                requireValid(
                        schema("header " + entry.getKey(), description.get("schema")),
                        json,
                        entry.getKey() + " of " + what);
            }
        });
        for (String name : TELLING_HEADERS) {
            if (header.apply(name) != null) {
                assertThat(headers.has(name))
                        .as("the header %s in the contract for %s", name, what)
                        .isTrue();
            }
        }
    }

    private void checkBody(String name, JsonNode response, @Nullable String contentType, String body, String what) {
        if (!response.has("content")) {
            assertThat(body).as(what).isEmpty();
            return;
        }
        JsonNode content = response.get("content").get(String.valueOf(contentType));
        assertThat(content).as("%s in the contract for %s", contentType, what).isNotNull();
        requireValid(schema(name, content.get("schema")), JSON.readTree(body), what);
    }

    private Schema schema(String name, JsonNode node) {
        return schemas.computeIfAbsent(name, absent -> {
            ObjectNode whole = JSON.createObjectNode();
            whole.set("components", document.get("components")); // references are into these
            whole.putArray("allOf").add(node);
            return SCHEMAS.getSchema(whole);
        });
    }

    private static void requireValid(Schema schema, JsonNode value, String what) {
        List<Error> errors = schema.validate(value);
        assertThat(errors).as(what).isEmpty();
    }

    private JsonNode resolved(JsonNode node) {
        JsonNode reference = node.get("$ref");
        return reference == null
                ? node
                : resolved(document.at(reference.asString().substring(1)));
    }

    private static JsonPointer pointer(String... names) {
        JsonPointer pointer = JsonPointer.empty();
        for (String name : names) {
            pointer = pointer.appendProperty(name);
        }
        return pointer;
    }
}
