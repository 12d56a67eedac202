package io.ncc.checkin.service.security;

import java.util.Locale;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.GrantedAuthority;

/** What a caller may do. A contract names a role in lower case; the scope of a JWT has {@code checkins.} before that. */
public enum Role implements GrantedAuthority {
    /** Store checkins of any user. */
    WRITE,
    /** Store checkins of one user. */
    OWN,
    /** Read everything. */
    READ,
    /** Use consumer groups of one's own. */
    CONSUME,
    /** Replay and discard dead letters, use anybody's groups, and see the metrics. */
    OPERATE;

    private static final String SCOPE_PREFIX = "checkins.";

    private final String label = name().toLowerCase(Locale.ROOT);
    private final String scope = SCOPE_PREFIX + label;

    /** As in a contract. */
    public String label() {
        return label;
    }

    /** As in a JWT. */
    @Override
    public String getAuthority() {
        return scope;
    }

    /** Null if it is no scope of ours. */
    static @Nullable Role ofScope(String scope) {
        for (Role role : values()) {
            if (role.scope.equals(scope)) {
                return role;
            }
        }
        return null;
    }

    @Override
    public String toString() {
        return label;
    }
}
