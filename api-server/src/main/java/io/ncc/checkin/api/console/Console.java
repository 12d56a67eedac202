package io.ncc.checkin.api.console;

import com.fasterxml.jackson.annotation.JsonRawValue;
import io.micrometer.core.instrument.MeterRegistry;
import io.ncc.checkin.api.ApiApplication;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.live.StreamTail;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.EventStream;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.LogLimit;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import io.ncc.checkin.service.security.Role;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.RedisLink;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.context.SmartLifecycle;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponseException;
import tools.jackson.databind.json.JsonMapper;

/**
 * Tells the open pages how everything stands. It looks once a second while a page is open and for a minute after, else every five seconds, so that a page
 * begins with a history. All pages are sent the same bytes: Redis has as much to do for a hundred of them as for one.
 */
@Component
final class Console implements SmartLifecycle {

    private static final Logger log = LoggerFactory.getLogger(Console.class);
    private static final Duration PERIOD = Duration.ofSeconds(1);
    private static final Duration UNWATCHED_PERIOD = Duration.ofSeconds(5);
    private static final Duration WATCHED_FOR = Duration.ofMinutes(1);
    private static final Duration SHORT_PERIOD = Duration.ofMillis(250); // of the feed, and of traces
    private static final int MOST_CLAIMS = 20;

    /** How many bytes may wait for all pages, unless there may be so many that they would get too few. */
    private static final long MOST_HELD = Runtime.getRuntime().maxMemory() / 16;

    /** What a page is told first has to fit. */
    private static final long LEAST_FOR_A_PAGE = 100_000;

    private final FiguresReader figures;
    private final JsonMapper mapper;
    private final ApiProperties properties;
    private final Partitions partitions;
    private final Traces traces;
    private final Feed feed = new Feed();
    private final LogLimit defects = new LogLimit();

    /** Each open page, and whether it has been greeted: it gets no other event before. */
    private final ConcurrentHashMap<EventStream, Boolean> pages = new ConcurrentHashMap<>();

    private volatile ScheduledExecutorService executor = newExecutor();
    private volatile boolean running;

    // of the executor's thread
    private final Sampler sampler;
    private @Nullable Record latest;
    private @Nullable String latestJson;
    private final Deque<Sampler.Claim> lastClaims = new ArrayDeque<>();

    /** What pages are told first, by the roles of who asks; those who aren't asked for a token have none. */
    private final Map<List<String>, String> hellos = new HashMap<>();

    private FiguresReader.@Nullable Server server;
    private @Nullable ScheduledFuture<?> nextLook;
    private long watchedAt = System.nanoTime() - WATCHED_FOR.toNanos();
    private boolean complained;

    Console(
            FiguresReader figures,
            Traces traces,
            StreamTail tail,
            JsonMapper mapper,
            ApiProperties properties,
            Partitions partitions,
            MeterRegistry registry) {
        this.figures = figures;
        this.traces = traces;
        this.mapper = mapper;
        this.properties = properties;
        this.partitions = partitions;
        this.sampler = new Sampler(partitions.count(), properties.maxLength());
        tail.whenPublished(feed::add);
        registry.gauge("checkin.api.pages", pages, ConcurrentHashMap::size);
    }

    /**
     * What a page is told first.
     *
     * @param readOnly whether nothing can be changed here
     * @param roles of who asks; null if everybody may do everything
     * @param partitions how many there are; null without partitions
     * @param sampleMs how often samples come, in milliseconds
     * @param claimAfter for how long a consumer holds an entry before others may claim it, in milliseconds
     * @param claims the last ones, the newest last
     * @param receiverUrl where checkins can be posted; null if a page can't send any
     * @param redis the server and its version; null as long as that isn't known
     * @param redisCli how redis-cli is called on the server's machine
     * @param keyPrefixes what the keys of each partition begin with
     */
    record Hello(
            String version,
            boolean readOnly,
            @Nullable List<String> roles,
            @Nullable Integer partitions,
            List<String> groups,
            long sampleMs,
            long claimAfter,
            List<Sampler.Claim> claims,
            @Nullable URI receiverUrl,
            @Nullable String redis,
            String redisCli,
            List<String> keyPrefixes,
            Histories history) {}

    record Histories(History.View fine, History.View coarse) {}

    /** All that a page needs which can't be sent events. */
    record Polled(@JsonRawValue String hello, @JsonRawValue String sample) {}

    /** @throws ErrorResponseException a problem, if there are as many pages as may be */
    void requireRoom() {
        if (pages.size() >= properties.maxPages()) {
            throw ProblemType.TOO_MANY_LISTENERS.exception(
                    "The maximum number of pages are open already. Try again later.");
        }
    }

    /** @throws ErrorResponseException a problem, if as many checkins are traced as may be */
    void requireRoomForTrace() {
        if (traces.size() >= properties.maxPages()) {
            throw ProblemType.TOO_MANY_LISTENERS.exception(
                    "The maximum number of checkins are traced already. Try again later.");
        }
    }

    /** Tells what becomes of a checkin. */
    void trace(CheckinId id, EventStream events) {
        traces.add(id, events);
        try {
            executor.execute(() -> traces.look(executor));
        } catch (RejectedExecutionException e) {
            events.close(); // stopping
        }
    }

    /** How many bytes may wait for a page: all pages together leave most of what event streams may hold to those who follow the stream. */
    int mostBuffered() {
        return (int)
                Math.min(properties.listenerBuffer(), Math.max(LEAST_FOR_A_PAGE, MOST_HELD / properties.maxPages()));
    }

    /** Takes a page on. */
    void join(EventStream page, @Nullable Caller caller) {
        pages.put(page, false);
        page.whenClosed(() -> pages.remove(page));
        try {
            executor.execute(() -> greet(page, caller));
        } catch (RejectedExecutionException e) {
            page.close(); // stopping
        }
    }

    private void greet(EventStream page, @Nullable Caller caller) {
        page.send(EventStream.event("hello", helloJson(caller)));
        String sample = latestJson();
        if (sample != null) {
            page.send(EventStream.event("sample", sample));
        }
        pages.replace(page, false, true);
        watch();
    }

    /** For a page that asks for each sample. */
    CompletionStage<Polled> poll(@Nullable Caller caller) {
        try {
            return CompletableFuture.supplyAsync(() -> polled(caller), executor);
        } catch (RejectedExecutionException e) {
            throw ProblemType.REDIS_UNAVAILABLE.exception("The server is stopping.");
        }
    }

    private Polled polled(@Nullable Caller caller) {
        watch();
        String sample = latestJson();
        if (sample == null) {
            throw ProblemType.REDIS_UNAVAILABLE.exception("There is no sample yet.");
        }
        return new Polled(helloJson(caller), sample);
    }

    private String helloJson(@Nullable Caller caller) {
        List<String> roles = caller == null
                ? List.of()
                : caller.roles().stream().map(Role::label).sorted().toList();
        return hellos.computeIfAbsent(roles, unused -> mapper.writeValueAsString(hello(caller == null ? null : roles)));
    }

    private Hello hello(@Nullable List<String> roles) {
        List<String> groups = latest instanceof Sample sample
                ? sample.groups().stream().map(Sample.Group::name).toList()
                : List.of(Keys.GROUP);
        return new Hello(
                Optional.ofNullable(ApiApplication.class.getPackage().getImplementationVersion())
                        .orElse("(not from its jar)"),
                properties.readOnly(),
                roles,
                partitions.arePartitioned() ? partitions.count() : null,
                groups,
                PERIOD.toMillis(),
                properties.claimAfter().toMillis(),
                List.copyOf(lastClaims),
                properties.receiverBaseUrl() == null ? null : properties.receiverPublicUrl(),
                server == null ? null : server.name(),
                server == null ? "redis-cli" : server.cli(),
                partitions.all().stream()
                        .map(partition -> partitions.keys(partition).prefix())
                        .toList(),
                new Histories(sampler.fine(), sampler.coarse()));
    }

    private @Nullable String latestJson() {
        if (latestJson == null && latest != null) {
            latestJson = mapper.writeValueAsString(latest);
        }
        return latestJson;
    }

    private void tellAll(String name, Object value) {
        if (!pages.isEmpty()) {
            tellAll(EventStream.event(name, mapper.writeValueAsString(value)));
        }
    }

    private void tellAll(byte[] event) {
        pages.forEach((page, greeted) -> {
            if (greeted) {
                page.send(event);
            }
        });
    }

    /** Someone watches: the next look is not to be later than in a second. */
    private void watch() {
        watchedAt = System.nanoTime();
        ScheduledFuture<?> next = nextLook;
        if (next != null && next.getDelay(TimeUnit.MILLISECONDS) > PERIOD.toMillis() && next.cancel(false)) {
            look();
        }
    }

    private boolean isWatched() {
        if (!pages.isEmpty()) {
            watchedAt = System.nanoTime();
        }
        return System.nanoTime() - watchedAt < WATCHED_FOR.toNanos();
    }

    /** Once; the next look is after the answer to this one. */
    private void look() {
        long start = System.nanoTime();
        CompletionStage<?> unused = figures.read()
                .whenCompleteAsync(
                        (answers, failure) -> {
                            try {
                                take(answers);
                            } catch (RuntimeException e) { // only a stop may end this
                                logDefect(e);
                            }
                            Duration period = isWatched() ? PERIOD : UNWATCHED_PERIOD;
                            lookIn(period.toNanos() - (System.nanoTime() - start));
                        },
                        executor);
    }

    private void lookIn(long nanos) {
        try {
            nextLook = executor.schedule(this::look, Math.max(0, nanos), TimeUnit.NANOSECONDS);
        } catch (RejectedExecutionException e) {
            // stopping
        }
    }

    private void take(List<FiguresReader.Answer> answers) {
        Sampler.Observed observed = sampler.observe(answers, feed.count());
        latest = observed.sample();
        latestJson = null;
        hellos.clear();
        observed.claims().forEach(this::tellOfClaim);
        if (observed.dead() != null) {
            tellAll("dead", observed.dead());
        }
        if (!pages.isEmpty()) {
            tellAll(EventStream.event("sample", Objects.requireNonNull(latestJson())));
        }
        complain(answers);
        if (observed.sample() instanceof Sample.Outage) {
            server = null;
        } else if (server == null) {
            askForServer();
        }
    }

    private void tellOfClaim(Sampler.Claim claim) {
        if (lastClaims.size() == MOST_CLAIMS) {
            lastClaims.remove();
        }
        lastClaims.add(claim);
        tellAll("claim", claim);
    }

    /** An outage is logged by the {@link RedisLink}. */
    private void complain(List<FiguresReader.Answer> answers) {
        Throwable trouble = answers.stream()
                .map(FiguresReader.Answer::trouble)
                .filter(failure ->
                        failure != null && !RedisCondition.of(failure).isOutage())
                .findFirst()
                .orElse(null);
        if (trouble != null && !complained) {
            log.warn("The console can't be told how a stream stands", trouble);
        }
        complained = trouble != null;
    }

    private void logDefect(RuntimeException e) {
        if (defects.passes()) {
            log.error("The console can't be told what it should be", e);
        }
    }

    private void askForServer() {
        CompletionStage<?> unused = figures.server()
                .whenCompleteAsync(
                        (answer, failure) -> {
                            server = answer;
                            hellos.clear();
                        },
                        executor);
    }

    private void turn() {
        try {
            traces.look(executor);
            Feed.Event event = feed.take();
            if (event != null) {
                tellAll("feed", event);
            }
        } catch (RuntimeException e) { // or it would be the last one
            logDefect(e);
        }
    }

    @Override
    public void start() {
        if (executor.isShutdown()) {
            executor = newExecutor();
        }
        running = true;
        executor.execute(this::look);
        ScheduledFuture<?> unused = executor.scheduleWithFixedDelay(
                this::turn, SHORT_PERIOD.toNanos(), SHORT_PERIOD.toNanos(), TimeUnit.NANOSECONDS);
    }

    @Override
    public void stop() {
        running = false;
        executor.shutdownNow();
        pages.keySet().forEach(EventStream::close);
        traces.closeAll();
    }

    private static ScheduledExecutorService newExecutor() {
        return Executors.newSingleThreadScheduledExecutor(task -> new Thread(task, "console"));
    }

    @Override
    public boolean isRunning() {
        return running;
    }

    /** Stops before the web server waits for its requests: a page would never end its own. */
    @Override
    public int getPhase() {
        return Integer.MAX_VALUE;
    }
}
