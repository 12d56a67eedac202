package io.ncc.checkin.api.web;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.web.ErrorResponseException;

@Timeout(20)
final class SharedAnswersTest {

    private final ExecutorService executor = Executors.newSingleThreadExecutor();
    private final SharedAnswers<String, Integer> answers = new SharedAnswers<>(executor);
    private final List<CompletableFuture<Integer>> works = new CopyOnWriteArrayList<>();

    @AfterEach
    void stop() {
        executor.shutdownNow();
    }

    private CompletionStage<Integer> work() {
        CompletableFuture<Integer> work = new CompletableFuture<>();
        works.add(work);
        return work;
    }

    private CompletableFuture<Integer> ask(String question) {
        return answers.of(question, this::work).toCompletableFuture();
    }

    @Test
    void whoAsksTheSameMeanwhileGetsTheSameAnswer() {
        CompletableFuture<Integer> first = ask("a");
        CompletableFuture<Integer> second = ask("a");
        await().until(() -> works.size() == 1);
        works.get(0).complete(7);
        assertThat(first).isCompletedWithValue(7);
        assertThat(second).isCompletedWithValue(7);
    }

    @Test
    void oneQuestionIsWorkedOnAtATime() {
        List<CompletableFuture<Integer>> asked =
                IntStream.range(0, 9).mapToObj(i -> ask("q" + i)).toList();
        for (int i = 0; i < 9; i++) {
            int number = i;
            await().until(() -> works.size() == number + 1);
            works.get(i).complete(i);
            assertThat(asked.get(i)).isCompletedWithValue(i);
        }
    }

    @ParameterizedTest
    @ValueSource(booleans = {false, true})
    void beforeTheNextQuestionThereIsAPauseThreeTimesAsLongAsThisOneTook(boolean fails) {
        CompletableFuture<Integer> unused = ask("a");
        await().until(() -> works.size() == 1);
        await().pollDelay(Duration.ofMillis(100)).until(() -> true);
        CompletableFuture<Integer> next = ask("b");
        long ended = System.nanoTime();
        if (fails) {
            works.get(0).completeExceptionally(new IllegalStateException("away"));
        } else {
            works.get(0).complete(1);
        }
        await().until(() -> works.size() == 2);
        assertThat(Duration.ofNanos(System.nanoTime() - ended)).isGreaterThanOrEqualTo(Duration.ofMillis(300));
        works.get(1).complete(2);
        assertThat(next).succeedsWithin(Duration.ofSeconds(5)).isEqualTo(2);
    }

    @Test
    void anAnswerIsGivenAgainForThirtyTimesAsLongAsItTookToFind() {
        CompletableFuture<Integer> unused = ask("a");
        await().until(() -> works.size() == 1);
        await().pollDelay(Duration.ofMillis(20)).until(() -> true);
        works.get(0).complete(1);
        long found = System.nanoTime();
        assertThat(ask("a")).isCompletedWithValue(1);
        await().until(() -> {
            CompletableFuture<Integer> unusedAgain = ask("a");
            return works.size() == 2;
        });
        assertThat(Duration.ofNanos(System.nanoTime() - found))
                .isBetween(Duration.ofMillis(500), Duration.ofSeconds(10));
    }

    @Test
    void anAnswerIsNotGivenAgainIfItIsTooOld() {
        SharedAnswers<String, Integer> young = new SharedAnswers<>(executor, Duration.ofMillis(50));
        CompletionStage<Integer> first = young.of("a", this::work);
        await().until(() -> works.size() == 1);
        await().pollDelay(Duration.ofMillis(60)).until(() -> true);
        CompletionStage<Integer> meanwhile = young.of("a", this::work);
        works.get(0).complete(1);
        assertThat(meanwhile).isSameAs(first);
        CompletionStage<Integer> later = young.of("a", this::work);
        assertThat(later).isNotSameAs(first);
    }

    /** As while the server stops. */
    @Test
    void whatTheExecutorDoesNotTakeIsAnsweredWithAProblem() {
        CompletableFuture<Integer> unused = ask("a");
        await().until(() -> works.size() == 1);
        CompletableFuture<Integer> queued = ask("b");
        executor.shutdown();
        works.get(0).complete(1);
        assertThatThrownBy(queued::join).hasRootCauseInstanceOf(ErrorResponseException.class);
        assertThatThrownBy(ask("c")::join).hasRootCauseInstanceOf(ErrorResponseException.class);
    }

    @Test
    void aFailureIsNotGivenAgain() {
        CompletableFuture<Integer> failed = ask("a");
        await().until(() -> works.size() == 1);
        works.get(0).completeExceptionally(new IllegalStateException("away"));
        assertThatThrownBy(failed::join).hasRootCauseMessage("away");
        CompletableFuture<Integer> again = ask("a");
        await().until(() -> works.size() == 2);
        works.get(1).complete(2);
        assertThat(again).isCompletedWithValue(2);
        assertThatThrownBy(answers.of("b", () -> {
                            throw new IllegalStateException("at once");
                        })
                        .toCompletableFuture()::join)
                .hasRootCauseMessage("at once");
    }

    @Test
    void ifEightWaitAnotherOneIsRefused() {
        List<CompletableFuture<Integer>> asked =
                IntStream.range(0, 9).mapToObj(i -> ask("q" + i)).toList();
        await().until(() -> works.size() == 1);
        for (int i = 0; i < 3_000; i++) {
            assertThatThrownBy(ask("r" + i)::join)
                    .hasRootCauseInstanceOf(ErrorResponseException.class)
                    .rootCause()
                    .extracting(refused ->
                            ((ErrorResponseException) refused).getBody().getType())
                    .hasToString("urn:checkins:problem:rankings-busy");
        }
        assertThat(ask("q8")).as("one that waits already").isSameAs(asked.get(8));
        works.get(0).complete(1);
        await().until(() -> works.size() == 2);
        assertThat(ask("r")).isNotDone();
        for (int i = 1; i < 10; i++) {
            int number = i;
            await().until(() -> works.size() == number + 1);
            works.get(i).completeExceptionally(new IllegalStateException("away"));
        }
        assertThat(asked.subList(1, 9)).allMatch(CompletableFuture::isCompletedExceptionally);
        CompletableFuture<Integer> again = ask("r0");
        await().until(() -> works.size() == 11);
        works.get(10).complete(3);
        assertThat(again).isCompletedWithValue(3);
    }
}
