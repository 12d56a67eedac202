package io.ncc.checkin.receiver;

import io.ncc.checkin.service.ProblemType;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.lang.reflect.Type;
import org.springframework.core.MethodParameter;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpInputMessage;
import org.springframework.http.converter.HttpMessageConverter;
import org.springframework.web.bind.annotation.RestControllerAdvice;
import org.springframework.web.servlet.mvc.method.annotation.RequestBodyAdviceAdapter;

/** Refuses the body of a single checkin that is larger than allowed, whether it says its length or comes in chunks. */
@RestControllerAdvice
final class BodySizeLimit extends RequestBodyAdviceAdapter {

    private final int limit;

    BodySizeLimit(ReceiverProperties properties) {
        this.limit = Math.toIntExact(properties.maxBodySize().toBytes());
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
        if (message.getHeaders().getContentLength() > limit) {
            throw tooLarge();
        }
        byte[] body = message.getBody().readNBytes(limit + 1);
        if (body.length > limit) {
            throw tooLarge();
        }
        return new BufferedBody(message.getHeaders(), new ByteArrayInputStream(body));
    }

    private RuntimeException tooLarge() {
        return ProblemType.CONTENT_TOO_LARGE.exception("The body may have at most " + limit + " bytes.");
    }

    private record BufferedBody(HttpHeaders getHeaders, InputStream getBody) implements HttpInputMessage {}
}
