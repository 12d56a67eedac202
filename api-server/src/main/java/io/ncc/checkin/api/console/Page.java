package io.ncc.checkin.api.console;

import io.ncc.checkin.service.security.Pages;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.io.ClassPathResource;
import org.springframework.core.io.Resource;
import org.springframework.http.CacheControl;
import org.springframework.web.HttpRequestHandler;
import org.springframework.web.servlet.config.annotation.ResourceHandlerRegistry;
import org.springframework.web.servlet.config.annotation.WebMvcConfigurer;
import org.springframework.web.servlet.handler.SimpleUrlHandlerMapping;

/**
 * Serves the page at {@code /}, whatever the client accepts, and its files. A file is asked for again each time, and sent again only if it has changed: by
 * its content, as each file of a reproducible build has the same time.
 */
@Configuration(proxyBeanMethods = false)
class Page implements WebMvcConfigurer {

    /** The page runs its own files, and talks to this server alone. */
    private static final String POLICY =
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none';"
                    + " frame-ancestors 'none'; require-trusted-types-for 'script'";

    private static final int BEFORE_SPRINGS_WELCOME_PAGE = 1;

    private final Map<String, String> etags = new ConcurrentHashMap<>();

    @Bean
    Pages consolePages() {
        return new Pages(
                List.of("/", "/index.html", "/console.css", "/icon.svg", "/favicon.ico", "/js/**", "/webjars/uplot/**"),
                POLICY);
    }

    @Bean
    SimpleUrlHandlerMapping pageMapping() {
        return new SimpleUrlHandlerMapping(
                // browsers ask for the second one on pages that name no icon
                Map.of("/", forwardedTo("/index.html"), "/favicon.ico", forwardedTo("/icon.svg")),
                BEFORE_SPRINGS_WELCOME_PAGE);
    }

    private static HttpRequestHandler forwardedTo(String file) {
        return (request, response) -> request.getRequestDispatcher(file).forward(request, response);
    }

    @Override
    public void addResourceHandlers(ResourceHandlerRegistry registry) {
        add(registry, "/**", new ClassPathResource("static/", Page.class));
        add(registry, "/webjars/**", new ClassPathResource("META-INF/resources/webjars/"));
    }

    private void add(ResourceHandlerRegistry registry, String path, Resource folder) {
        registry.addResourceHandler(path)
                .addResourceLocations(folder)
                .setCacheControl(CacheControl.noCache())
                .setUseLastModified(false)
                .setEtagGenerator(this::etag)
                .resourceChain(true); // finds webjars without their version, too
    }

    /** Weak, as a compressed answer has it, too. */
    private String etag(Resource resource) {
        return etags.computeIfAbsent(String.valueOf(resource), unused -> "W/\"" + digest(resource) + '"');
    }

    private static String digest(Resource resource) {
        try (InputStream in = resource.getInputStream()) {
            return digest(in.readAllBytes());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** For an ETag. */
    static String digest(byte[] content) {
        try {
            byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
            return HexFormat.of().formatHex(digest, 0, Long.BYTES);
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
