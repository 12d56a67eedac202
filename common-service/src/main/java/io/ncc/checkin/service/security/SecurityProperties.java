package io.ncc.checkin.service.security;

import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;

/**
 * Who may reach a service.
 *
 * @param mode protected: without tokens, logins or an issuer of JWTs the service listens on the loopback address only; open: it asks nobody for a token, because something in front of it does
 * @param tokens the bearer tokens: of each the name, the sha256 and the roles, of the role own also the user
 * @param allowedHosts the names under which clients reach the service, beside addresses, localhost and names without a dot; *.example.org for those below one
 * @param allowedOrigins the origins of other sites whose pages may use the service, such as https://app.example.org
 * @param logins whether users can log in at the API server; to be set in the receiver, too, so that it accepts the tokens of their sessions
 */
@ConfigurationProperties(prefix = "checkin.security", ignoreUnknownFields = false)
public record SecurityProperties(
        @DefaultValue("protected") Mode mode,
        @DefaultValue List<Token> tokens,
        @DefaultValue Set<String> allowedHosts,
        @DefaultValue Set<String> allowedOrigins,
        @DefaultValue("false") boolean logins) {

    private static final Pattern HOST = Pattern.compile("(\\*\\.)?[A-Za-z0-9_-]+(\\.[A-Za-z0-9_-]+)*");
    private static final Pattern ORIGIN = Pattern.compile("https?://[^/?#*\\s]+");

    public SecurityProperties {
        require(unique(tokens), "tokens must have different names and different sha256");
        require(
                mode != Mode.OPEN || (tokens.isEmpty() && !logins),
                "mode must be protected if there are tokens or logins: open asks for no token");
        allowedHosts.forEach(host ->
                require(HOST.matcher(host).matches(), "allowed-hosts must be names, without a port, not " + host));
        allowedOrigins.forEach(origin -> require(
                ORIGIN.matcher(origin).matches(),
                "allowed-origins must be a scheme and a host, such as https://app.example.org, not " + origin));
    }

    private static boolean unique(List<Token> tokens) {
        Set<String> names = new HashSet<>();
        Set<String> digests = new HashSet<>();
        return tokens.stream().allMatch(token -> names.add(token.name()) && digests.add(token.sha256()));
    }

    private static void require(boolean holds, String rule) {
        if (!holds) {
            throw new IllegalArgumentException("checkin.security." + rule);
        }
    }

    /** Named as in Redis. */
    public enum Mode {
        PROTECTED,
        OPEN
    }

    /**
     * A bearer token. Only its digest is known here.
     *
     * @param name of the one who has it: for limits and logs, and for groups of one's own
     * @param sha256 in hexadecimal
     * @param user whose checkins may be stored with the role own
     */
    public record Token(
            String name,
            String sha256,
            Set<Role> roles,
            @Nullable Long user) {

        private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]{1,50}");
        private static final Pattern SHA256 = Pattern.compile("[0-9a-f]{64}");

        public Token {
            require(
                    name != null && NAME.matcher(name).matches(),
                    "tokens: a name has 1 to 50 letters, digits, dashes or underscores");
            require(
                    sha256 != null && SHA256.matcher(sha256).matches(),
                    "tokens: the sha256 of " + name + " must be 64 lower-case hexadecimal digits");
            require(
                    roles != null && !roles.isEmpty(),
                    "tokens: " + name + " must have roles: " + EnumSet.allOf(Role.class));
            require(
                    roles.contains(Role.OWN) == (user != null),
                    "tokens: " + name + " must have a user if it has the role own, and only then");
        }

        Caller caller() {
            return new Caller(name, roles, user);
        }
    }
}
