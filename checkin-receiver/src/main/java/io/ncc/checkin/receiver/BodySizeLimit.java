package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Type;
import java.time.Duration;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;

/** Refuses the body of a single checkin that is larger than allowed, whether it says its length or comes in chunks, or that is compressed. */
@RestControllerAdvice
final class BodySizeLimit extends RequestBodyAdviceAdapter {

    private final int limit;
    private final Duration timeout;

    BodySizeLimit(ReceiverProperties properties) {
        this.limit = Math.toIntExact(properties.maxBodySize().toBytes());
        this.timeout = properties.bodyTimeout();
    }

    @Override
    public boolean supports(
            MethodParameter parameter, Type type, Class<? extends HttpMessageConverter<?>> converterType) {
        return type == CheckinRequest.class;
    }

    @Override
    public HttpInputMessage beforeBodyRead(
            HttpInputMessage message,
            MethodParameter parameter,
            Type type,
            Class<? extends HttpMessageConverter<?>> converterType)
            throws IOException {
        HttpHeaders headers = message.getHeaders();
        if (headers.containsHeader(HttpHeaders.CONTENT_ENCODING)) {
            throw ProblemType.UNSUPPORTED_MEDIA_TYPE.exception("A single checkin can't be compressed.");
        }
        if (headers.getContentLength() > limit) {
            throw ProblemType.CONTENT_TOO_LARGE.exception("The body may have at most " + limit + " bytes.");
        }
        byte[] body = new LimitedBody(message.getBody(), limit, timeout).readAllBytes();
        return new BufferedBody(headers, new ByteArrayInputStream(body));
    }

    private record BufferedBody(HttpHeaders getHeaders, InputStream getBody) implements HttpInputMessage {}
}
