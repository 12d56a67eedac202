package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;

import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import org.junit.jupiter.api.Test;
import org.springframework.core.MethodParameter;
import org.springframework.mock.web.DelegatingServletOutputStream;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;
import tools.jackson.databind.json.JsonMapper;

/** What no other test would notice: everything works without, only slower. */
final class AsyncAnswersTest {

    private final AsyncAnswers answers = new AsyncAnswers(new JsonMapper(), new ProblemAdvice());

    private final MockHttpServletRequest request = new MockHttpServletRequest();
    private final MockHttpServletResponse response = new ConnectedResponse();

    AsyncAnswersTest() {
        request.setAsyncSupported(true);
    }

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

    @Test
    void aThreadThatReadsRepliesEndsRequestsWhenItHasHandledThem() throws Exception {
        EventLoop replies = new DefaultEventLoop();
        try {
            CompletableFuture<String> reply = new CompletableFuture<>();
            answers.answer(request, response, reply);

            boolean open = replies.submit(() -> {
                        reply.complete("reply");
                        return request.isAsyncStarted();
                    })
                    .get();

            assertThat(open).isTrue();
            assertThat(response.getContentAsString()).isEqualTo("\"reply\"");
            assertThat(replies.submit(request::isAsyncStarted).get()).isFalse();
        } finally {
            replies.shutdownGracefully();
        }
    }

    @Test
    void otherThreadsEndARequestAtOnce() throws IOException {
        answers.answer(request, response, CompletableFuture.completedFuture("value"));

        assertThat(response.getContentAsString()).isEqualTo("\"value\"");
        assertThat(request.isAsyncStarted()).isFalse();
    }

    /** As Spring asks: with the type of the value. */
    private MethodParameter returned(String method, Object value) throws NoSuchMethodException {
        return new ServletInvocableHandlerMethod(this, getClass().getDeclaredMethod(method)).getReturnValueType(value);
    }

    /** Its client takes all at once. */
    private static final class ConnectedResponse extends MockHttpServletResponse {

        @Override
        public ServletOutputStream getOutputStream() {
            return new DelegatingServletOutputStream(super.getOutputStream()) {
                @Override
                public void setWriteListener(WriteListener listener) {
                    try {
                        listener.onWritePossible();
                    } catch (IOException e) {
                        throw new UncheckedIOException(e);
                    }
                }
            };
        }
    }
}
