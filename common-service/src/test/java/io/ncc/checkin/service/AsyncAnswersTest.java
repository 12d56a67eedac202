package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.springframework.core.MethodParameter;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;
import tools.jackson.databind.json.JsonMapper;

/** Whose answers are written here; everything works without, so no other test would notice. */
final class AsyncAnswersTest {

    private final AsyncAnswers answers = new AsyncAnswers(new JsonMapper(), new ProblemAdvice());

    CompletionStage<String> stage() {
        return CompletableFuture.completedFuture("");
    }

    CompletableFuture<String> future() {
        return CompletableFuture.completedFuture("");
    }

    String text() {
        return "";
    }

    @Test
    void whatIsDeclaredAsAStageIsAnsweredHereWhateverComes() throws NoSuchMethodException {
        assertThat(answers.supportsReturnType(returned("stage", stage()))).isTrue();
    }

    @Test
    void everythingElseIsLeftToSpring() throws NoSuchMethodException {
        assertThat(answers.supportsReturnType(returned("future", future()))).isFalse();
        assertThat(answers.supportsReturnType(returned("text", text()))).isFalse();
    }

    /** As Spring asks: with the type of the value. */
    private MethodParameter returned(String method, Object value) throws NoSuchMethodException {
        return new ServletInvocableHandlerMethod(this, getClass().getDeclaredMethod(method)).getReturnValueType(value);
    }
}
