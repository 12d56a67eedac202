package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/**
 * An HTTP response, as it was on the wire.
 *
 * @param headers by their names in lower case
 */
public record RawAnswer(int status, Map<String, String> headers, String body) {

    private static final JsonMapper JSON = new JsonMapper();

    public @Nullable String header(String name) {
        return headers.get(name);
    }

    public JsonNode json() {
        return JSON.readTree(body);
    }

    public boolean isError() {
        return status >= 400;
    }

    /** Without the prefix that all types have. */
    public String problemType() {
        return json().get("type").asString().replaceFirst("^urn:checkins:problem:", "");
    }

    public boolean saysThatTheConnectionCloses() {
        return "close".equalsIgnoreCase(headers.get("connection"));
    }

    /** Fails unless it is a problem that tells nothing of what it comes from. */
    public void requireProblem(String what) {
        assertThat(header("content-type")).as("%s: %s", what, this).isEqualTo("application/problem+json");
        JsonNode problem = json();
        assertThat(problem.get("status").asInt()).as("%s: %s", what, this).isEqualTo(status);
        assertThat(problem.get("type").asString()).as("%s: %s", what, this).startsWith("urn:checkins:problem:");
        assertThat(problem.get("title").asString()).as("%s: %s", what, this).isNotEmpty();
        assertThat(body)
                .as("%s", what)
                .doesNotContain("Exception")
                .doesNotContain("java.")
                .doesNotContain("\\tat ")
                .doesNotContainIgnoringCase("tomcat")
                .doesNotContainIgnoringCase("jackson")
                .doesNotContainIgnoringCase("<html");
        assertThat(headers).as("%s", what).doesNotContainKeys("server", "x-powered-by");
    }

    @Override
    public String toString() {
        return status + " " + headers + " " + body;
    }
}
