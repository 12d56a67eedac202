package io.ncc.checkin.service;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;
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

    private ApiContract() {}

    /**
     * The routes {@code /v3/api-docs}, {@code /v3/api-docs.yaml} and {@code /docs}.
     *
     * @param owner the class in whose package {@code openapi.yml} is
     */
    public static RouterFunction<ServerResponse> of(Class<?> owner) {
        byte[] yaml = read(new ClassPathResource("openapi.yml", owner));
        byte[] json = toJson(yaml);
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

    private static byte[] toJson(byte[] yaml) {
        Map<String, Object> document =
                new Yaml(new SafeConstructor(new LoaderOptions())).load(new String(yaml, StandardCharsets.UTF_8));
        return new JsonMapper().writeValueAsBytes(document);
    }
}
