package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisClient;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.demo.load.Kind;
import io.ncc.checkin.demo.load.LoadException;
import io.ncc.checkin.demo.load.Loader;
import io.ncc.checkin.demo.load.SampleData;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.processor.ProcessorApplication;
import io.ncc.checkin.receiver.ReceiverApplication;
import io.ncc.checkin.testsupport.HttpAnswer;
import io.ncc.redis.SingleRedis;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.UncheckedIOException;
import java.io.Writer;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Random;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.springframework.context.ConfigurableApplicationContext;

/** The services of a test in this JVM, on one Redis, and the sample data. */
final class Services implements AutoCloseable {

    private final String redisUri;
    private final ConfigurableApplicationContext receiver;
    private final List<ConfigurableApplicationContext> processors = new ArrayList<>();
    private final Api api;

    /** Starts a receiver and an API server that knows it. */
    Services(String redisUri, String... apiSettings) {
        this.redisUri = redisUri;
        this.receiver = ReceiverApplication.run(settings());
        this.api = startApi(apiSettings);
    }

    /** An API server, which keeps its port when it is restarted. */
    final class Api implements AutoCloseable {

        private final int port = freePort();
        private String[] settings;
        private ConfigurableApplicationContext context;

        private Api(String... settings) {
            this.settings = settings;
            this.context = run();
        }

        private ConfigurableApplicationContext run() {
            return ApiApplication.run(Stream.concat(
                            Stream.of(
                                    "--server.port=" + port,
                                    "--spring.data.redis.url=" + redisUri,
                                    "--checkin.api.receiver-base-url=" + receiver()),
                            Arrays.stream(settings))
                    .toArray(String[]::new));
        }

        String url() {
            return "http://localhost:" + port;
        }

        void restart(Runnable meanwhile) {
            context.close();
            meanwhile.run();
            context = run();
        }

        void restartWith(String... others) {
            settings = others;
            restart(() -> {});
        }

        @Override
        public void close() {
            context.close();
        }
    }

    /** Another one beside the one that these services have. */
    Api startApi(String... settings) {
        return new Api(settings);
    }

    private String[] settings(String... more) {
        return Stream.concat(Stream.of("--server.port=0", "--spring.data.redis.url=" + redisUri), Arrays.stream(more))
                .toArray(String[]::new);
    }

    private static int freePort() {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    void startProcessor(String... more) {
        processors.add(ProcessorApplication.run(settings(more)));
    }

    void stopProcessors() {
        processors.forEach(ConfigurableApplicationContext::close);
        processors.clear();
    }

    void restartApi(Runnable meanwhile) {
        api.restart(meanwhile);
    }

    /** The users and locations of the sample. */
    void load() {
        RedisClient client = RedisClient.create(redisUri);
        try (Loader loader =
                Loader.connect(Partitions.none(), new SingleRedis(client), new PrintWriter(Writer.nullWriter()))) {
            loader.load(SampleData.dataset(), EnumSet.of(Kind.USERS, Kind.LOCATIONS), false);
        } catch (LoadException e) {
            throw new IllegalStateException(e);
        } finally {
            client.shutdown();
        }
    }

    /** Posts so many checkins of the sample's users at its locations at once. */
    void post(int checkins, Random random) {
        HttpAnswer answer = HttpAnswer.post(
                receiver() + "/checkins/batch",
                IntStream.range(0, checkins)
                        .mapToObj(i -> "{\"userId\":%d,\"locationId\":%d,\"starRating\":%d}"
                                .formatted(
                                        1 + random.nextInt(SampleData.USERS),
                                        1 + random.nextInt(SampleData.LOCATIONS),
                                        random.nextInt(6)))
                        .collect(Collectors.joining(",", "[", "]")));
        assertThat(answer.status()).isEqualTo(202);
        assertThat(answer.json().get("accepted").asInt()).isEqualTo(checkins);
    }

    void post(int checkins) {
        post(checkins, new Random(1));
    }

    String receiver() {
        return "http://localhost:" + receiver.getEnvironment().getRequiredProperty("local.server.port");
    }

    String api() {
        return api.url();
    }

    @Override
    public void close() {
        stopProcessors();
        api.close();
        receiver.close();
    }
}
