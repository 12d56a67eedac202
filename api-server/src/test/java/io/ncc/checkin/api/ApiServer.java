package io.ncc.checkin.api;

import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.LiveFollower;
import io.ncc.checkin.testsupport.RealRedis;
import java.net.URI;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.Banner;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.context.ConfigurableApplicationContext;

/** An API server in this JVM, on a free port. */
final class ApiServer implements AutoCloseable {

    private final ConfigurableApplicationContext context;

    private ApiServer(ConfigurableApplicationContext context) {
        this.context = context;
    }

    /** @param settings {@code --property=value} */
    static ApiServer start(RealRedis redis, String... settings) {
        List<String> args = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port()));
        args.addAll(List.of(settings));
        return new ApiServer(ApiApplication.run(args.toArray(String[]::new)));
    }

    /**
     * The same with beans of a test's own.
     *
     * @param beans a class with {@code @Bean} methods; it must have no annotation, or other tests would find it, too
     */
    static ApiServer startWith(Class<?> beans, String... settings) {
        return new ApiServer(new SpringApplicationBuilder(ApiApplication.class, beans)
                .properties("spring.config.name=application,api-server")
                .bannerMode(Banner.Mode.OFF)
                .run(settings));
    }

    ConfigurableApplicationContext context() {
        return context;
    }

    int port() {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    String url(String path) {
        return "http://localhost:" + port() + path;
    }

    HttpAnswer get(String path) {
        return HttpAnswer.get(url(path));
    }

    /** Posts without a body. */
    HttpAnswer post(String path) {
        return send("POST", path);
    }

    HttpAnswer post(String path, String json) {
        return HttpAnswer.post(url(path), json);
    }

    HttpAnswer put(String path) {
        return send("PUT", path);
    }

    HttpAnswer delete(String path) {
        return send("DELETE", path);
    }

    HttpAnswer send(String method, String path) {
        return HttpAnswer.send(request(path).method(method, BodyPublishers.noBody()));
    }

    HttpRequest.Builder request(String path) {
        return HttpRequest.newBuilder(URI.create(url(path)));
    }

    /** Follows the stream, from now on. */
    LiveFollower follow() {
        return follow("", null);
    }

    /** @param query with its question mark, or empty */
    LiveFollower follow(String query, @Nullable String lastEventId) {
        return LiveFollower.follow(url("/checkins/stream" + query), lastEventId);
    }

    /** As Prometheus sees it. */
    double metric(String name) {
        return get("/actuator/prometheus")
                .body()
                .lines()
                .filter(line -> line.startsWith(name + ' ') || line.startsWith(name + '{'))
                .mapToDouble(line -> Double.parseDouble(line.substring(line.lastIndexOf(' ') + 1)))
                .findFirst()
                .orElseThrow(() -> new AssertionError("no metric " + name));
    }

    /** The threads of this JVM but those of the HTTP client of the tests, which has one for each request that it sends. */
    static List<String> threads() {
        return Thread.getAllStackTraces().keySet().stream()
                .map(Thread::getName)
                .filter(name -> !name.startsWith("HttpClient-"))
                .sorted()
                .toList();
    }

    @Override
    public void close() {
        context.close();
    }
}
