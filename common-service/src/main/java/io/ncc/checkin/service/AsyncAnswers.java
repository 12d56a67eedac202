package io.ncc.checkin.service;

import io.netty.util.concurrent.EventExecutor;
import io.netty.util.internal.ThreadExecutorMap;
import jakarta.servlet.AsyncContext;
import jakarta.servlet.AsyncEvent;
import jakarta.servlet.AsyncListener;
import jakarta.servlet.ServletOutputStream;
import jakarta.servlet.WriteListener;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.RejectedExecutionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.context.request.NativeWebRequest;
import org.springframework.web.method.support.HandlerMethodReturnValueHandler;
import org.springframework.web.method.support.ModelAndViewContainer;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers a request with the value of a {@link CompletionStage}, as JSON, or with the problem that its failure stands for. No thread waits for the
 * stage, and the thread that completes it never waits for the client: the answer is written without blocking, and what a client doesn't take
 * is written by a thread of Tomcat's once there is room. An answer of which a client takes nothing for {@code server.tomcat.connection-timeout} ends
 * the connection.
 *
 * <p>A controller method uses this by declaring a {@link CompletionStage}. Spring supports such methods, too, but dispatches every request a second
 * time, and blocks while it writes. Methods that declare a {@link java.util.concurrent.CompletableFuture} are left to Spring. Use that for answers
 * that may be long, because the thread that completes the stage makes the JSON.
 */
public final class AsyncAnswers implements HandlerMethodReturnValueHandler {

    private static final Logger log = LoggerFactory.getLogger(AsyncAnswers.class);
    private static final long NEVER = 0;

    private final JsonMapper mapper;
    private final ProblemAdvice problems;

    AsyncAnswers(JsonMapper mapper, ProblemAdvice problems) {
        this.mapper = mapper;
        this.problems = problems;
    }

    /**
     * Answers when the stage completes. Returns at once.
     *
     * @param stage completes with a {@link ResponseEntity}, or with the body of a 200; it must complete some time
     */
    public void answer(HttpServletRequest request, HttpServletResponse response, CompletionStage<?> stage)
            throws IOException {
        AsyncContext context = request.startAsync(request, response);
        context.setTimeout(NEVER); // the code that completes the stage has a timeout
        Answer answer = new Answer(context, response);
        context.addListener(answer);
        response.getOutputStream().setWriteListener(answer); // from here on no write blocks
        stage.whenComplete((value, failure) -> answer.send(
                failure == null ? contentOf(value, request) : contentOf(problems.answerTo(failure, request), request)));
    }

    private Content contentOf(Object value, HttpServletRequest request) {
        try {
            return value instanceof ResponseEntity<?> entity
                    ? new Content(
                            entity.getStatusCode(), entity.getHeaders(), mapper.writeValueAsBytes(entity.getBody()))
                    : new Content(HttpStatusCode.valueOf(200), HttpHeaders.EMPTY, mapper.writeValueAsBytes(value));
        } catch (RuntimeException e) { // or the client would never be answered
            return contentOf(problems.answerTo(e, request), request);
        }
    }

    @Override
    public boolean supportsReturnType(MethodParameter type) {
        return Objects.requireNonNull(type.getMethod()).getReturnType()
                == CompletionStage.class; // the declared type: the value is a future
    }

    @Override
    public void handleReturnValue(
            @Nullable Object stage, MethodParameter type, ModelAndViewContainer container, NativeWebRequest request)
            throws IOException {
        container.setRequestHandled(true);
        answer(
                Objects.requireNonNull(request.getNativeRequest(HttpServletRequest.class)),
                Objects.requireNonNull(request.getNativeResponse(HttpServletResponse.class)),
                (CompletionStage<?>) Objects.requireNonNull(stage));
    }

    @SuppressWarnings("ArrayRecordComponent") // it is never compared
    private record Content(HttpStatusCode status, HttpHeaders headers, byte[] body) {}

    /** One answer. It needs two things, in any order: its content, and a connection that takes it. Whichever comes second writes. */
    private static final class Answer implements WriteListener, AsyncListener {

        private final AsyncContext context;
        private final HttpServletResponse response;

        // guarded by this
        private @Nullable Content content;
        private boolean connected;
        private boolean written;
        private boolean ended;

        Answer(AsyncContext context, HttpServletResponse response) {
            this.context = context;
            this.response = response;
        }

        void send(Content content) {
            synchronized (this) {
                this.content = content;
            }
            proceed();
        }

        @Override
        public void onWritePossible() {
            synchronized (this) {
                connected = true; // the container calls this once before anything may be written
            }
            proceed();
        }

        @Override
        public void onError(Throwable failure) {
            log.debug("A client disconnected, or took too long, before it had its answer", failure);
            end();
        }

        private void proceed() {
            try {
                synchronized (this) {
                    if (ended || !connected || content == null) {
                        return;
                    }
                    ServletOutputStream out = response.getOutputStream();
                    if (!written) {
                        if (!out.isReady()) {
                            return; // the container calls onWritePossible
                        }
                        written = true;
                        write(content, out);
                    }
                    if (!out.isReady()) {
                        return; // not all of it is on its way yet
                    }
                }
                endAfterReplies();
            } catch (IOException | IllegalStateException e) {
                onError(e);
            }
        }

        private void write(Content content, ServletOutputStream out) throws IOException {
            response.setStatus(content.status().value());
            response.setContentType(MediaType.APPLICATION_JSON_VALUE); // unless the headers have another
            content.headers().forEach((name, values) -> values.forEach(each -> response.addHeader(name, each)));
            response.setContentLength(content.body().length); // with its last byte, Tomcat also flushes
            out.write(content.body());
        }

        /**
         * Completes the request. A thread of Netty's does so only when it has handled all replies that it read together. The client has often sent its
         * next request by then, and the thread of Tomcat's that takes over the connection finds it there. Right after the answer, that thread would find
         * nothing and return the connection to the poller, and the next request would have to wake a thread again.
         */
        private void endAfterReplies() {
            EventExecutor replies = ThreadExecutorMap.currentExecutor(); // null unless this is a thread of Netty's
            if (replies == null) {
                end();
                return;
            }
            try {
                replies.execute(this::end);
            } catch (RejectedExecutionException e) { // it is shutting down
                end();
            }
        }

        /**
         * Has the lock because {@link AsyncContext#complete} isn't atomic. Before the container ends a request itself, it calls {@code onError}, which
         * waits here. Otherwise the container could reuse the request's objects in between, and the next request would be completed without an answer.
         */
        private synchronized void end() {
            if (ended) {
                return;
            }
            ended = true;
            try {
                context.complete();
            } catch (IllegalStateException e) {
                log.debug("The container was faster", e);
            }
        }

        /** If the last bytes of an answer can't be written, the container calls only this one. */
        @Override
        public void onError(AsyncEvent event) {
            end();
        }

        @Override
        public void onTimeout(AsyncEvent event) {
            end();
        }

        @Override
        public void onComplete(AsyncEvent event) {
            // it has ended
        }

        @Override
        public void onStartAsync(AsyncEvent event) {
            // never done
        }
    }
}
