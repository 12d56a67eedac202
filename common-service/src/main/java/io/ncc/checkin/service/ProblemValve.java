package io.ncc.checkin.service;

import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apache.catalina.connector.Request;
import org.apache.catalina.connector.Response;
import org.apache.catalina.valves.ErrorReportValve;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatusCode;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.util.StringUtils;
import tools.jackson.databind.json.JsonMapper;

/**
 * Answers requests that never reach a controller, such as a URL that Tomcat refuses, and errors that a handler leaves without a body, such as those of the
 * actuator. Tomcat creates it by its class name.
 */
public final class ProblemValve extends ErrorReportValve {

    private static final JsonMapper JSON = new JsonMapper();

    @Override
    public void invoke(Request request, Response response) throws IOException, ServletException {
        if (!hasDecodablePath(request)) {
            response.sendError(HttpServletResponse.SC_BAD_REQUEST);
            response.setSuspended(false); // or the response would not be sent
            report(request, response, null);
            return;
        }
        if (request.getCoyoteRequest().hasExpectation()) {
            Http11.remember(request, response);
        }
        super.invoke(request, response);
    }

    /** Tomcat doesn't decode the parameters of a path, but Spring does: it fails on {@code /users/1;%}. */
    private static boolean hasDecodablePath(Request request) {
        String path = request.getRequestURI();
        if (path == null || path.indexOf(';') < 0) {
            return true;
        }
        try {
            StringUtils.uriDecode(path, StandardCharsets.UTF_8);
            return true;
        } catch (IllegalArgumentException e) {
            return false;
        }
    }

    @Override
    protected void report(Request request, Response response, @Nullable Throwable failure) {
        int status = response.getStatus();
        if (status < HttpServletResponse.SC_BAD_REQUEST || response.getContentWritten() > 0) {
            return;
        }
        response.setErrorReported();
        ProblemType known = ProblemType.of(HttpStatusCode.valueOf(status));
        // also for 501 and 505: the request asks for something that an HTTP/1.1 server does not support
        ProblemType type = known != null ? known : ProblemType.INVALID_REQUEST;
        try {
            response.setContentType(MediaType.APPLICATION_PROBLEM_JSON_VALUE);
            byte[] body = JSON.writeValueAsBytes(members(type.problem(), status));
            response.setContentLength(body.length);
            response.getOutputStream().write(body);
            response.finishResponse();
        } catch (IOException | IllegalStateException e) {
            container.getLogger().debug("A problem could not be sent", e);
        }
    }

    private static Map<String, Object> members(ProblemDetail problem, int status) {
        Map<String, Object> members = new LinkedHashMap<>();
        members.put("type", String.valueOf(problem.getType()));
        members.put("title", String.valueOf(problem.getTitle()));
        members.put("status", status);
        members.put("detail", String.valueOf(problem.getDetail()));
        return members;
    }
}
