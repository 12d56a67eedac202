package io.ncc.checkin.receiver;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Range;
import io.lettuce.core.StreamMessage;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.RedisLink;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apache.coyote.AbstractProtocol;
import org.springframework.boot.tomcat.TomcatWebServer;
import org.springframework.boot.web.server.servlet.context.ServletWebServerApplicationContext;
import org.springframework.context.ConfigurableApplicationContext;

/** A receiver in this JVM, and what tests ask of it and of the stream that it appends to. */
final class StartedReceiver implements AutoCloseable {

    static final Keys KEYS = Keys.unpartitioned();
    static final String STREAM = KEYS.checkins();

    private final RealRedis redis;
    private final ConfigurableApplicationContext context;

    private StartedReceiver(RealRedis redis, ConfigurableApplicationContext context) {
        this.redis = redis;
        this.context = context;
    }

    /** @param settings each {@code name=value} */
    static StartedReceiver on(RealRedis redis, String... settings) {
        List<String> args = new ArrayList<>(List.of(
                "--server.port=0",
                "--spring.data.redis.host=" + redis.host(),
                "--spring.data.redis.port=" + redis.port()));
        for (String setting : settings) {
            args.add("--" + setting);
        }
        return new StartedReceiver(redis, ReceiverApplication.run(args.toArray(String[]::new)));
    }

    @Override
    public void close() {
        context.close();
    }

    ConfigurableApplicationContext context() {
        return context;
    }

    <T> T part(Class<T> type) {
        return context.getBean(type);
    }

    RedisLink link() {
        return part(PartitionLinks.class).of(0);
    }

    CheckinAppender appender() {
        return part(Appenders.class).of(0);
    }

    /** Those of a type of which there is more than one. */
    <T> Collection<T> parts(Class<T> type) {
        return context.getBeansOfType(type).values();
    }

    String url(String path) {
        return "http://localhost:" + port() + path;
    }

    int port() {
        return context.getEnvironment().getRequiredProperty("local.server.port", Integer.class);
    }

    int maxConnections() {
        var server =
                (TomcatWebServer) Objects.requireNonNull(((ServletWebServerApplicationContext) context).getWebServer());
        return ((AbstractProtocol<?>) server.getTomcat().getConnector().getProtocolHandler()).getMaxConnections();
    }

    String managementUrl() {
        return "http://127.0.0.1:" + context.getEnvironment().getRequiredProperty("local.management.port");
    }

    HttpAnswer get(String path) {
        return HttpAnswer.get(url(path));
    }

    /** Asks for one checkin to be taken. */
    HttpAnswer post(String json) {
        return HttpAnswer.post(url("/checkins"), json);
    }

    HttpAnswer post(String idempotencyKey, String json) {
        return HttpAnswer.to(url("/checkins"))
                .header("Idempotency-Key", idempotencyKey)
                .post(json);
    }

    /** Asks for many checkins to be taken. */
    HttpAnswer.Request batch() {
        return HttpAnswer.to(url("/checkins/batch"));
    }

    int readiness() {
        return get("/actuator/health/readiness").status();
    }

    /** It is told anew only now and then. */
    void awaitReadiness(int status) {
        await().until(() -> readiness() == status);
    }

    /** Expects a checkin to be refused for now, as it is promised to a client, and not to be stored. */
    HttpAnswer assertRefuses(String problemType) {
        long before = redis.commands().xlen(STREAM);
        HttpAnswer answer = post(checkin(999));
        assertUnavailable(answer, problemType);
        assertThat(redis.commands().xlen(STREAM)).isEqualTo(before);
        return answer;
    }

    static void assertUnavailable(HttpAnswer answer, String problemType) {
        assertThat(answer.status()).as(answer.body()).isEqualTo(503);
        assertThat(answer.problemType()).isEqualTo(problemType);
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        assertThat(answer.header("Retry-After")).isEqualTo("1");
    }

    boolean accepts() {
        return post(checkin(1)).status() == 202;
    }

    /** How many writes there were. */
    long writes() {
        return part(MeterRegistry.class)
                .get("checkin.receiver.write.size")
                .summary()
                .count();
    }

    static String checkin(long user) {
        return "{\"userId\":" + user + ",\"locationId\":171,\"starRating\":5}";
    }

    static String idOf(HttpAnswer accepted) {
        assertThat(accepted.status()).as(accepted.body()).isEqualTo(202);
        return accepted.json().get("id").asString();
    }

    /** The ids in the stream. */
    static List<String> ids(RealRedis redis) {
        return entries(redis).stream().map(StreamMessage::getId).toList();
    }

    /** Whose checkins are in the stream. */
    static List<Long> users(RealRedis redis) {
        return entries(redis).stream()
                .map(StreamMessage::getBody)
                .map(StartedReceiver::user)
                .toList();
    }

    private static Long user(Map<String, String> body) {
        return Long.valueOf(body.get("userId"));
    }

    private static List<StreamMessage<String, String>> entries(RealRedis redis) {
        return redis.commands().xrange(STREAM, Range.<String>unbounded());
    }
}
