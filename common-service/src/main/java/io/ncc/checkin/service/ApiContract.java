package io.ncc.checkin.service;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import org.springframework.core.io.ClassPathResource;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.servlet.function.RouterFunction;
import org.springframework.web.servlet.function.RouterFunctions;
import org.springframework.web.servlet.function.ServerResponse;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.json.JsonMapper;

/**
 * Serves the contract of a service, an OpenAPI file that is written by hand, and a page to browse it. All links are relative, so they work behind a
 * prefix, too.
 */
public final class ApiContract {

    private static final MediaType YAML = MediaType.parseMediaType("application/yaml");

    private final byte[] yaml;
    private final Map<String, Object> document;

    /** @param owner the class in whose package {@code openapi.yml} is */
    public ApiContract(Class<?> owner) {
        yaml = read(new ClassPathResource("openapi.yml", owner));
        document = new Yaml(new SafeConstructor(new LoaderOptions())).load(new String(yaml, StandardCharsets.UTF_8));
    }

    /** Its operations, by {@code METHOD /path}. */
    public Map<String, Map<String, Object>> operations() {
        Map<String, Map<String, Object>> operations = new LinkedHashMap<>();
        member(document, "paths")
                .forEach((path, item) -> asObject(item)
                        .forEach((method, operation) ->
                                operations.put(method.toUpperCase(Locale.ROOT) + ' ' + path, asObject(operation))));
        return operations;
    }

    /** The patterns of the pages that describe it. */
    public List<String> pages() {
        return List.of("/v3/api-docs", "/v3/api-docs.yaml", "/docs", "/docs/**", "/webjars/swagger-ui/**");
    }

    private static Map<String, Object> member(Map<String, Object> object, String name) {
        return asObject(Objects.requireNonNull(object.get(name), name));
    }

    @SuppressWarnings("unchecked") // of a document that a test has checked
    private static Map<String, Object> asObject(Object value) {
        return (Map<String, Object>) value;
    }

    /** {@code /v3/api-docs}, {@code /v3/api-docs.yaml} and {@code /docs}. */
    public RouterFunction<ServerResponse> routes() {
        byte[] json = new JsonMapper().writeValueAsBytes(document);
        return RouterFunctions.route()
                .GET(
                        "/v3/api-docs",
                        request -> ServerResponse.ok()
                                .contentType(MediaType.APPLICATION_JSON)
                                .body(json))
                .GET(
                        "/v3/api-docs.yaml",
                        request -> ServerResponse.ok().contentType(YAML).body(yaml))
                .GET(
                        "/docs",
                        request -> ServerResponse.status(HttpStatus.FOUND)
                                .location(URI.create("docs/index.html"))
                                .build())
                .resources("/docs/**", new ClassPathResource("docs/", ApiContract.class))
                .build();
    }

    private static byte[] read(ClassPathResource resource) {
        try (InputStream in = resource.getInputStream()) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
