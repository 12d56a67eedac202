package io.ncc.checkin.service.security;

import jakarta.servlet.http.HttpServletRequest;
import java.util.Collections;
import java.util.EnumSet;
import java.util.Set;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.security.core.Authentication;
import org.springframework.security.core.context.SecurityContext;
import org.springframework.security.web.context.RequestAttributeSecurityContextRepository;

/**
 * Who sent a request, as its token says.
 *
 * @param name unique among callers: their requests are counted, and their idempotency keys kept, under it
 * @param user whose checkins a caller with the role {@link Role#OWN} may store; null without that role
 */
public record Caller(String name, Set<Role> roles, @Nullable Long user) implements Authentication {

    private static final Pattern USER_ID = Pattern.compile("[1-9][0-9]{0,18}");

    public Caller {
        if (roles.contains(Role.OWN) == (user == null)) {
            throw new IllegalArgumentException("the role own needs a user, and no other does");
        }
        roles = Collections.unmodifiableSet(roles.isEmpty() ? EnumSet.noneOf(Role.class) : EnumSet.copyOf(roles));
    }

    /**
     * Null if the service doesn't ask who its callers are; then they may do everything. Only the chain knows who may use a route: a route without a role has
     * no caller either.
     */
    public static @Nullable Caller of(HttpServletRequest request) {
        return request.getAttribute(RequestAttributeSecurityContextRepository.DEFAULT_REQUEST_ATTR_NAME)
                                instanceof SecurityContext context
                        && context.getAuthentication() instanceof Caller caller
                ? caller
                : null;
    }

    /** Null if the text isn't the id of a user: 1 to 2^63-1, in decimal. */
    static @Nullable Long userId(String text) {
        try {
            return USER_ID.matcher(text).matches() ? Long.valueOf(text) : null;
        } catch (NumberFormatException e) { // larger
            return null;
        }
    }

    public boolean has(Role role) {
        return roles.contains(role);
    }

    /** Whether this caller may store checkins of that user. */
    public boolean mayWriteFor(long someone) {
        return has(Role.WRITE) || (user != null && user == someone);
    }

    /**
     * Whether something with this name, such as a consumer group, is this caller's: if it has the caller's name, or that and more after a dot. What stands
     * before a colon in the caller's name only says where the caller is known from.
     */
    public boolean owns(String named) {
        String own = name.substring(name.indexOf(':') + 1);
        return own.indexOf('.') < 0 && (named.equals(own) || named.startsWith(own + '.'));
    }

    @Override
    public String getName() {
        return name;
    }

    @Override
    public Set<Role> getAuthorities() {
        return roles;
    }

    /** Not kept. */
    @Override
    public @Nullable Object getCredentials() {
        return null;
    }

    @Override
    public @Nullable Object getDetails() {
        return null;
    }

    @Override
    public Object getPrincipal() {
        return name;
    }

    @Override
    public boolean isAuthenticated() {
        return true;
    }

    @Override
    public void setAuthenticated(boolean authenticated) {
        throw new IllegalArgumentException("it never changes");
    }
}
