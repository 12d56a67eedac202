package io.ncc.checkin.service;

import java.io.FilterInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Type;
import java.net.SocketTimeoutException;
import java.time.Duration;
import org.apache.catalina.connector.ClientAbortException;
import org.springframework.core.MethodParameter;
import org.springframework.core.env.Environment;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.ControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;

/**
 * Limits the time that the body of a request may take to arrive where Spring reads it for a controller. Those of the actuator take one with each request.
 * Tomcat limits only the time between two bytes.
 */
@ControllerAdvice
public final class BodyTimeout extends RequestBodyAdviceAdapter {

    /** A whole body may take as long as so many of the longest pauses within it. All of these bodies are short. */
    private static final int PAUSES = 6;

    private final Duration timeout;

    BodyTimeout(Environment environment) {
        this.timeout = environment
                .getRequiredProperty("server.tomcat.connection-timeout", Duration.class)
                .multipliedBy(PAUSES);
    }

    /** For a body that a controller reads by itself. From now on, the time counts. */
    public InputStream limit(InputStream body) {
        return new Limited(body, System.nanoTime() + timeout.toNanos());
    }

    @Override
    public boolean supports(
            MethodParameter parameter, Type type, Class<? extends HttpMessageConverter<?>> converterType) {
        return true;
    }

    @Override
    public HttpInputMessage beforeBodyRead(
            HttpInputMessage message,
            MethodParameter parameter,
            Type type,
            Class<? extends HttpMessageConverter<?>> converterType)
            throws IOException {
        InputStream body = limit(message.getBody());
        return new HttpInputMessage() {
            @Override
            public InputStream getBody() {
                return body;
            }

            @Override
            public HttpHeaders getHeaders() {
                return message.getHeaders();
            }
        };
    }

    private static final class Limited extends FilterInputStream {

        private final long deadline;

        Limited(InputStream body, long deadline) {
            super(body);
            this.deadline = deadline;
        }

        @Override
        public int read() throws IOException {
            return inTime(super.read());
        }

        @Override
        public int read(byte[] buffer, int offset, int length) throws IOException {
            return inTime(super.read(buffer, offset, length));
        }

        /** @param read negative at the end, which is never too late */
        private int inTime(int read) throws IOException {
            if (read >= 0 && System.nanoTime() - deadline > 0) {
                throw new ClientAbortException(new SocketTimeoutException("the body took too long")); // as Tomcat's own
            }
            return read;
        }
    }
}
