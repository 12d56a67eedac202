package io.ncc.checkin.service;

import static org.assertj.core.api.Assertions.assertThat;
import static org.mockito.ArgumentMatchers.any;
import static org.mockito.Mockito.mock;
import static org.mockito.Mockito.verify;

import io.netty.channel.DefaultEventLoop;
import io.netty.channel.EventLoop;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.springframework.core.MethodParameter;
import org.springframework.mock.web.DelegatingServletOutputStream;
import org.springframework.mock.web.MockAsyncContext;
import org.springframework.mock.web.MockHttpServletRequest;
import org.springframework.mock.web.MockHttpServletResponse;
import org.springframework.web.servlet.mvc.method.annotation.ServletInvocableHandlerMethod;
import tools.jackson.databind.json.JsonMapper;

/** What tests of whole services would not notice. */
final class AsyncAnswersTest {

    private final AsyncAnswers answers = new AsyncAnswers(new JsonMapper(), new ProblemAdvice());

    private final EventLoop replies = new DefaultEventLoop();
    private final MockHttpServletRequest request = new MockHttpServletRequest();
    private final MockHttpServletResponse response = new ConnectedResponse();

    AsyncAnswersTest() {
        request.setAsyncSupported(true);
    }

    @AfterEach
    void stop() {
        replies.shutdownGracefully(0, 1, TimeUnit.SECONDS).syncUninterruptibly();
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
    void aNettyThreadCompletesRequestsAfterAllRepliesThatItReadTogether() throws Exception {
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
    }

    /** Its objects may belong to another request by then. */
    @Test
    void aRequestThatTheContainerEndsFirstIsNotCompletedAgain() throws Exception {
        CompletableFuture<String> reply = new CompletableFuture<>();
        answers.answer(request, response, reply);
        MockAsyncContext context = (MockAsyncContext) Objects.requireNonNull(request.getAsyncContext());
        AsyncListener ends = mock();
        context.addListener(ends);

        replies.submit(() -> {
                    reply.complete("reply");
                    for (AsyncListener each : context.getListeners()) {
                        each.onError(new AsyncEvent(context));
                    }
                    verify(ends).onComplete(any());
                    return null;
                })
                .get();
        replies.submit(() -> {}).get(); // after all that it had to do

        verify(ends).onComplete(any());
    }

    @Test
    void otherThreadsCompleteARequestAtOnce() throws IOException {
        answers.answer(request, response, CompletableFuture.completedFuture("value"));

        assertThat(response.getContentAsString()).isEqualTo("\"value\"");
        assertThat(request.isAsyncStarted()).isFalse();
    }

    /** As Spring asks: with the type of the value. */
    private MethodParameter returned(String method, Object value) throws NoSuchMethodException {
        return new ServletInvocableHandlerMethod(this, getClass().getDeclaredMethod(method)).getReturnValueType(value);
    }

    /** A response whose client takes everything at once. */
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
