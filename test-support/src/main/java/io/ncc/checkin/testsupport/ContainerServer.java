package io.ncc.checkin.testsupport;

import com.github.dockerjava.api.DockerClient;
import com.github.dockerjava.api.async.ResultCallback;
import com.github.dockerjava.api.command.CreateContainerCmd;
import com.github.dockerjava.api.exception.NotFoundException;
import com.github.dockerjava.api.model.ExposedPort;
import com.github.dockerjava.api.model.HostConfig;
import com.github.dockerjava.api.model.PortBinding;
import com.github.dockerjava.api.model.Ports;
import com.github.dockerjava.api.model.PullResponseItem;
import io.ncc.checkin.localredis.LocalRedis;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.testcontainers.DockerClientFactory;
import org.testcontainers.containers.ContainerLaunchException;
import org.testcontainers.containers.GenericContainer;
import org.testcontainers.containers.wait.strategy.Wait;
import org.testcontainers.dockerclient.DockerClientProviderStrategy;
import org.testcontainers.images.builder.Transferable;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.ImageNameSubstitutor;

/**
 * A server in a container of Testcontainers. This class chooses the host port: Docker would choose a different one at each start, and clients
 * could not reconnect.
 */
final class ContainerServer implements Server {

    static final String IMAGE = "redis:7.4-alpine";

    /** What this version of Testcontainers removes the containers of a killed JVM with; it says so nowhere that one could ask. */
    static final String REAPER_IMAGE = "testcontainers/ryuk:0.14.0";

    private static final Duration PULL_LIMIT = Duration.ofSeconds(60);
    private static final int STOP_LIMIT_SECONDS = 30;
    private static final int PORT_ATTEMPTS = 3;
    private static final ExposedPort REDIS_PORT = ExposedPort.tcp(6379);
    private static final String CONFIGURATION = "/usr/local/etc/redis.conf";

    private final GenericContainer<?> container;
    private final int port;
    private boolean paused;

    private ContainerServer(Map<String, String> settings, int port) {
        this.port = port;
        var configuration = new LinkedHashMap<>(settings);
        configuration.put("bind", "0.0.0.0"); // within the container
        configuration.put("protected-mode", "no");
        this.container = new GenericContainer<>(DockerImageName.parse(IMAGE))
                .withExposedPorts(REDIS_PORT.getPort())
                .withCreateContainerCmdModifier(this::bindPort)
                .withCopyToContainer(Transferable.of(redisConf(configuration)), CONFIGURATION)
                .withCommand("redis-server", CONFIGURATION)
                .waitingFor(Wait.forLogMessage(".*Ready to accept connections.*", 1));
        container.start();
    }

    /**
     * Starts a server.
     *
     * @throws IllegalStateException if it doesn't start
     */
    static ContainerServer start(Map<String, String> settings) {
        for (int attempt = 1; ; attempt++) {
            try {
                return new ContainerServer(settings, LocalRedis.freePort());
            } catch (ContainerLaunchException e) {
                // the port may have been taken in between
                if (attempt == PORT_ATTEMPTS) {
                    throw new IllegalStateException("A container of " + IMAGE + " doesn't start", e);
                }
            }
        }
    }

    /**
     * Makes sure that there is a daemon and that it has the images, within {@link #PULL_LIMIT} for each. Testcontainers would do the same
     * later, but go on for minutes where no registry can be reached.
     *
     * @throws IllegalStateException if not
     */
    static void requireImages() {
        DockerClient docker;
        try {
            docker = DockerClientProviderStrategy.getClientForConfig(
                    DockerClientFactory.instance().getTransportConfig());
        } catch (RuntimeException e) { // of many types: each way to reach a daemon fails with its own
            throw new IllegalStateException("no Docker daemon answers", e);
        }
        requireImage(docker, IMAGE);
        if (!Boolean.parseBoolean(System.getenv("TESTCONTAINERS_RYUK_DISABLED"))) {
            requireImage(docker, REAPER_IMAGE);
        }
    }

    private static void requireImage(DockerClient docker, String image) {
        String name = ImageNameSubstitutor.instance()
                .apply(DockerImageName.parse(image))
                .asCanonicalNameString();
        try {
            docker.inspectImageCmd(name).exec();
        } catch (NotFoundException e) {
            pull(docker, name);
        }
    }

    private static void pull(DockerClient docker, String name) {
        var outcome = new CompletableFuture<@Nullable Void>();
        docker.pullImageCmd(name).exec(new ResultCallback.Adapter<PullResponseItem>() {
            @Override
            public void onError(Throwable failure) { // in place of one that logs its stack trace
                outcome.completeExceptionally(failure);
            }

            @Override
            public void onComplete() {
                super.onComplete();
                outcome.complete(null);
            }
        });
        try {
            outcome.get(PULL_LIMIT.toSeconds(), TimeUnit.SECONDS);
            docker.inspectImageCmd(name).exec();
        } catch (TimeoutException e) {
            throw new IllegalStateException(
                    "Docker could not pull " + name + " within " + PULL_LIMIT.toSeconds() + " s", e);
        } catch (ExecutionException e) {
            throw new IllegalStateException("Docker can't pull " + name + ": " + reason(e), e);
        } catch (NotFoundException e) {
            throw new IllegalStateException("Docker can't pull " + name, e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IllegalStateException("Interrupted while pulling " + name, e);
        }
    }

    private static String reason(ExecutionException e) {
        String message =
                String.valueOf(Objects.requireNonNullElse(e.getCause(), e).getMessage());
        return message.strip();
    }

    private static String redisConf(Map<String, String> settings) {
        return settings.entrySet().stream()
                .map(setting -> setting.getKey() + ' ' + setting.getValue() + '\n')
                .collect(Collectors.joining());
    }

    private void bindPort(CreateContainerCmd command) {
        String address = isLocal() ? "127.0.0.1" : "0.0.0.0";
        HostConfig host = Objects.requireNonNull(command.getHostConfig());
        host.withPortBindings(new PortBinding(Ports.Binding.bindIpAndPort(address, port), REDIS_PORT));
    }

    private static boolean isLocal() {
        return DockerClientFactory.instance().dockerHostIpAddress().equals("localhost");
    }

    @Override
    public String host() {
        return isLocal() ? "127.0.0.1" : container.getHost();
    }

    @Override
    public int port() {
        return port;
    }

    @Override
    public boolean isRunning() {
        return container.isRunning();
    }

    @Override
    public void stop() {
        resume();
        if (isRunning()) {
            container
                    .getDockerClient()
                    .stopContainerCmd(container.getContainerId())
                    .withTimeout(STOP_LIMIT_SECONDS)
                    .exec();
        }
    }

    @Override
    public void kill() {
        resume(); // older daemons don't kill a paused container
        if (isRunning()) {
            container
                    .getDockerClient()
                    .killContainerCmd(container.getContainerId())
                    .exec();
        }
    }

    @Override
    public void start() {
        container
                .getDockerClient()
                .startContainerCmd(container.getContainerId())
                .exec();
    }

    /** A new container: data of the old one go with it. */
    @Override
    public void startEmpty() {
        close();
        container.start();
    }

    @Override
    public void pause() {
        container
                .getDockerClient()
                .pauseContainerCmd(container.getContainerId())
                .exec();
        paused = true;
    }

    @Override
    public void resume() {
        if (paused) {
            container
                    .getDockerClient()
                    .unpauseContainerCmd(container.getContainerId())
                    .exec();
            paused = false;
        }
    }

    @Override
    public void close() {
        resume();
        container.stop(); // of Testcontainers: kills and removes it
    }
}
