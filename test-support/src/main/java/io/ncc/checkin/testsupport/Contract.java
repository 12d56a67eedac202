package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import com.networknt.schema.Error;
import com.networknt.schema.Schema;
import com.networknt.schema.SchemaRegistry;
import com.networknt.schema.SpecificationVersion;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.ParseOptions;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.IntNode;
import tools.jackson.databind.node.ObjectNode;
import tools.jackson.databind.node.StringNode;
import tools.jackson.dataformat.yaml.YAMLMapper;

/** The contract of a service, an OpenAPI document, and whether answers keep to it. */
public final class Contract {

    private static final JsonMapper JSON = new JsonMapper();
    private static final SchemaRegistry SCHEMAS = SchemaRegistry.withDefaultDialect(SpecificationVersion.DRAFT_2020_12);

    private static final String PROBLEM_JSON = "application/problem+json";
    private static final String EVENT_STREAM = "text/event-stream";

    private static final Pattern PATH_VARIABLE = Pattern.compile("\\{[^/]+}");

    /** What a server reads as another path than it is. */
    private static final Pattern NOT_AS_IT_STANDS = Pattern.compile("(?i)[;#\\\\]|//|/\\.{1,2}(/|$)|%(2e|2f|5c)");

    /** What a server answers by itself to a request that is no good HTTP/1.1: the response {@code default} of a route describes it. */
    private static final Set<Integer> OF_HTTP_ITSELF = Set.of(417, 501, 505);

    /** Headers that mean something to a client, so a response that has one must say so. */
    private static final List<String> TELLING_HEADERS = List.of(
            "Accept",
            "Accept-Encoding",
            "Location",
            "RateLimit",
            "RateLimit-Policy",
            "Retry-After",
            "WWW-Authenticate");

    private final String text;
    private final JsonNode document;
    private final Map<String, Schema> schemas = new ConcurrentHashMap<>();

    /** By method. Of several paths that match, the first counts. */
    private final Map<String, List<Path>> paths = new HashMap<>();

    private Contract(String text, JsonNode document) {
        this.text = text;
        this.document = document;
        document.get("paths")
                .propertyStream()
                .forEach(path -> path.getValue()
                        .propertyStream()
                        .forEach(operation -> paths.computeIfAbsent(
                                        operation.getKey().toUpperCase(Locale.ROOT), unused -> new ArrayList<>())
                                .add(Path.of(path.getKey(), operation.getValue()))));
        paths.values().forEach(list -> list.sort(Comparator.comparingInt(Path::variables)));
    }

    /**
     * A route, as far as it is declared in code.
     *
     * @param consumes the media types of its request's body
     * @param produces the media types of its successful answers
     * @param parameters of the request, each as {@code query limit}, {@code path id} or {@code header Last-Event-ID}, and whether it is required
     */
    public record Route(Set<String> consumes, Set<String> produces, Map<String, Boolean> parameters) {}

    private record Path(String template, Pattern pattern, int variables, JsonNode operation) {

        static Path of(String template, JsonNode operation) {
            Pattern pattern = Pattern.compile(Stream.of(template.split("/", -1))
                    .map(part -> PATH_VARIABLE.matcher(part).matches() ? "[^/]+" : Pattern.quote(part))
                    .collect(Collectors.joining("/")));
            int variables = (int) PATH_VARIABLE.matcher(template).results().count();
            return new Path(template, pattern, variables, operation);
        }
    }

    /** Reads the YAML. */
    public static Contract read(URL file) {
        try (InputStream in = file.openStream()) {
            return of(new String(in.readAllBytes(), StandardCharsets.UTF_8));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    static Contract of(String text) {
        return new Contract(text, new YAMLMapper().readTree(text));
    }

    static Contract of(JsonNode document) {
        return new Contract(document.toString(), document);
    }

    /** As it stands in the file. */
    public String text() {
        return text;
    }

    public JsonNode document() {
        return document;
    }

    /** What is wrong with it: what is no valid OpenAPI, and examples that break their own schemas. */
    public List<String> problems() {
        List<String> problems = new ArrayList<>(new OpenAPIV3Parser()
                .readContents(text, null, new ParseOptions())
                .getMessages());
        addWrongExamples(document, "", problems);
        return problems;
    }

    private void addWrongExamples(JsonNode node, String where, List<String> problems) {
        if (node.has("example") && node.has("schema")) {
            problems.addAll(wrong(node.get("schema"), node.get("example"), where));
        }
        if (node.get("examples") instanceof ArrayNode examples) { // a schema
            examples.forEach(example -> problems.addAll(wrong(node, example, where)));
        }
        node.propertyStream()
                .filter(member ->
                        !member.getKey().equals("example") && !member.getKey().equals("examples"))
                .forEach(member -> addWrongExamples(member.getValue(), where + '/' + member.getKey(), problems));
        if (node.isArray()) {
            node.forEach(element -> addWrongExamples(element, where, problems));
        }
    }

    private List<String> wrong(JsonNode schema, JsonNode example, String where) {
        return compiled(schema).validate(example).stream()
                .map(error -> "example of " + where + ": " + error)
                .toList();
    }

    /** By {@code METHOD /path}. */
    public Map<String, Route> routes() {
        Map<String, Route> routes = new TreeMap<>();
        paths.forEach((method, list) ->
                list.forEach(path -> routes.put(method + ' ' + path.template(), route(path.operation()))));
        return routes;
    }

    private Route route(JsonNode operation) {
        JsonNode body = resolved(operation.path("requestBody"));
        Set<String> produces = operation
                .get("responses")
                .propertyStream()
                .filter(response -> response.getKey().startsWith("2"))
                .flatMap(response -> resolved(response.getValue()).path("content").propertyNames().stream())
                .collect(Collectors.toSet());
        Map<String, Boolean> parameters = new TreeMap<>();
        parameters(operation)
                .forEach(parameter -> parameters.put(
                        parameter.get("in").asString()
                                + ' '
                                + parameter.get("name").asString(),
                        parameter.path("required").asBoolean()));
        if (!body.isMissingNode()) {
            parameters.put("body", body.path("required").asBoolean());
        }
        return new Route(Set.copyOf(body.path("content").propertyNames()), produces, parameters);
    }

    /** The parameters of a route. A schema that is a reference is replaced by what it refers to. */
    public List<JsonNode> parameters(String method, String template) {
        return parameters(Objects.requireNonNull(paths.get(method)).stream()
                        .filter(path -> path.template().equals(template))
                        .findFirst()
                        .orElseThrow()
                        .operation())
                .map(parameter ->
                        (JsonNode) ((ObjectNode) parameter.deepCopy()).set("schema", resolved(parameter.get("schema"))))
                .toList();
    }

    private Stream<JsonNode> parameters(JsonNode operation) {
        return operation.path("parameters").valueStream().map(this::resolved);
    }

    /** Fails if an answer is not as the contract says; whatever the route, an error must be a problem. */
    public void check(
            @Nullable String method,
            @Nullable String path,
            int status,
            Function<String, @Nullable String> header,
            String body) {
        String what = method + " " + path + ": " + status + ' ' + body;
        boolean bodiless = "HEAD".equals(method);
        Path route = route(bodiless ? "GET" : method, path);
        if (route == null) {
            if (status >= 400 && !bodiless && PROBLEM_JSON.equals(header.apply("Content-Type"))) {
                requireValid(schema("Problem", document.at("/components/schemas/Problem")), JSON.readTree(body), what);
            }
            return;
        }
        JsonNode responses = route.operation().get("responses");
        JsonNode found = responses.get(Integer.toString(status));
        if (found == null && OF_HTTP_ITSELF.contains(status)) {
            found = responses.get("default");
        }
        assertThat(found).as("the response in the contract for %s", what).isNotNull();
        JsonNode response = resolved(found);
        checkHeaders(response, header, what);
        if (!bodiless) {
            checkBody(
                    method + ' ' + route.template() + ' ' + status, response, header.apply("Content-Type"), body, what);
        }
    }

    private @Nullable Path route(@Nullable String method, @Nullable String path) {
        if (method == null || path == null || NOT_AS_IT_STANDS.matcher(path).find()) {
            return null;
        }
        return paths.getOrDefault(method, List.of()).stream()
                .filter(route -> route.pattern().matcher(path).matches())
                .findFirst()
                .orElse(null);
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
        boolean events = contentType != null && contentType.startsWith(EVENT_STREAM);
        JsonNode content = response.get("content").get(events ? EVENT_STREAM : String.valueOf(contentType));
        assertThat(content).as("%s in the contract for %s", contentType, what).isNotNull();
        if (!events || !body.isEmpty()) { // it is empty as long as there is no event
            requireValid(schema(name, content.get("schema")), JSON.readTree(body), what);
        }
    }

    private Schema schema(String name, JsonNode node) {
        return schemas.computeIfAbsent(name, absent -> compiled(node));
    }

    private Schema compiled(JsonNode node) {
        ObjectNode whole = JSON.createObjectNode();
        whole.set("components", document.get("components")); // references are into these
        whole.putArray("allOf").add(node);
        return SCHEMAS.getSchema(whole);
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
}
