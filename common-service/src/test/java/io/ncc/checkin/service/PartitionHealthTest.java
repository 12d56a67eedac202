package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

import io.ncc.checkin.model.Partitions;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.Status;

final class PartitionHealthTest {

    private final AtomicInteger asked = new AtomicInteger();
    private final CompletableFuture<Health> first = new CompletableFuture<>();
    private final PartitionHealth health = new PartitionHealth(Partitions.none(), List.of(0), partition -> {
        boolean isFirst = asked.incrementAndGet() == 1;
        return () -> isFirst ? first.join() : Health.down().build();
    });

    @Test
    void thoseWhoAskTogetherShareAnAnswer() {
        List<CompletableFuture<Health>> answers = Stream.generate(() -> CompletableFuture.supplyAsync(health::health))
                .limit(3)
                .toList();
        await().until(() -> asked.get() == 1);
        long start = System.nanoTime();
        first.complete(Health.up().build());
        answers.forEach(CompletableFuture::join);
        health.health();
        long millis = Duration.ofNanos(System.nanoTime() - start).toMillis();
        assertThat(asked.get()).isLessThanOrEqualTo((int) (1 + millis / 200));

        await().until(() -> health.health().getStatus().equals(Status.DOWN));
    }
}
