package io.ncc.checkin.api.session;

import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Role;
import io.ncc.checkin.service.security.SessionToken;
import io.ncc.checkin.service.security.Sessions;
import jakarta.servlet.http.HttpServletRequest;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.http.CacheControl;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** Login and logout of the loaded users. */
@RestController
@RequestMapping("/sessions")
final class SessionController {

    /** Bcrypt takes no more of a password. */
    private static final int MOST_BYTES = 72;

    private static final int MOST_CHARACTERS = 254;
    private static final String BEARER = "Bearer ";

    private final ObjectProvider<Sessions> sessions;
    private final Logins logins;

    SessionController(ObjectProvider<Sessions> sessions, Logins logins) {
        this.sessions = sessions;
        this.logins = logins;
    }

    @PostMapping(consumes = MediaType.APPLICATION_JSON_VALUE, produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<ResponseEntity<Session>> begin(@RequestBody Credentials body, HttpServletRequest request) {
        Sessions open = sessionsOrNotFound();
        String email = body.email == null ? "" : body.email;
        String password = body.password == null ? "" : body.password;
        requireValid(email, password);
        return logins.userOf(email, password, request.getRemoteAddr())
                .thenCompose(user -> open.begin(user).thenApply(token -> new Session(token, user)))
                .thenApply(session -> ResponseEntity.status(HttpStatus.CREATED)
                        .cacheControl(CacheControl.noStore())
                        .body(session));
    }

    @DeleteMapping("/current")
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void end(HttpServletRequest request) {
        Sessions open = sessionsOrNotFound();
        SessionToken token = tokenOf(request);
        if (token == null) {
            throw ProblemType.NOT_FOUND.exception("The token of this request isn't one of a session.");
        }
        open.end(token);
    }

    private Sessions sessionsOrNotFound() {
        Sessions found = sessions.getIfAvailable();
        if (found == null) {
            throw ProblemType.NOT_FOUND.exception("There are no logins here: checkin.security.logins is not set.");
        }
        return found;
    }

    private static @Nullable SessionToken tokenOf(HttpServletRequest request) {
        String header = request.getHeader(HttpHeaders.AUTHORIZATION);
        return header != null && header.regionMatches(true, 0, BEARER, 0, BEARER.length())
                ? SessionToken.parse(header.substring(BEARER.length()).strip())
                : null;
    }

    private static void requireValid(String email, String password) {
        List<InvalidMember> errors = new ArrayList<>();
        if (email.isEmpty() || email.length() > MOST_CHARACTERS) {
            errors.add(new InvalidMember("/email", "must have 1 to " + MOST_CHARACTERS + " characters"));
        }
        if (password.isEmpty() || password.getBytes(StandardCharsets.UTF_8).length > MOST_BYTES) {
            errors.add(new InvalidMember("/password", "must have 1 to " + MOST_BYTES + " bytes in UTF-8"));
        }
        if (!errors.isEmpty()) {
            throw ProblemType.invalidMembers(errors);
        }
    }

    record Credentials(@Nullable String email, @Nullable String password) {

        /** Without the password: Spring logs bodies at DEBUG. */
        @Override
        public String toString() {
            return "Credentials[email=" + email + ']';
        }
    }

    /** @param expiresIn in seconds */
    record Session(String token, long userId, List<String> roles, long expiresIn) {

        Session(String token, long userId) {
            this(
                    token,
                    userId,
                    Sessions.ROLES.stream().map(Role::label).sorted().toList(),
                    Sessions.LIFETIME.toSeconds());
        }

        /** Without the token. */
        @Override
        public String toString() {
            return "Session[userId=" + userId + ']';
        }
    }
}
