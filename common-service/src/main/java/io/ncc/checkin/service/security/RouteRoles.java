package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.PathIndex;
import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.server.PathContainer;
import org.springframework.security.authorization.AuthorizationDecision;
import org.springframework.security.authorization.AuthorizationManager;
import org.springframework.security.authorization.AuthorizationResult;
import org.springframework.security.core.Authentication;
import org.springframework.security.web.util.matcher.RequestMatcher;
import org.springframework.web.util.ServletRequestPathUtils;
import org.springframework.web.util.pattern.PathPattern;
import org.springframework.web.util.pattern.PathPatternParser;

/**
 * Which role each route needs, as its contract says. Whatever isn't in the contract is denied, except what is added here: so a new route is closed until
 * its contract says who may use it. Paths are matched as Spring MVC matches them.
 *
 * <p>Spring's own list of matchers parses the path anew for each of them.
 */
final class RouteRoles implements AuthorizationManager<HttpServletRequest> {

    private static final AuthorizationDecision GRANTED = new AuthorizationDecision(true);

    private final Map<String, Routes> byMethod = new HashMap<>();
    private final List<Rule> others;

    /**
     * @param contract null if there is none, and no route
     * @param pages what needs no token
     * @param others of what isn't in the contract; the first one that matches counts
     */
    RouteRoles(@Nullable ApiContract contract, List<Pages> pages, List<Rule> others) {
        this.others = others;
        List<Operation> operations = new ArrayList<>();
        if (contract != null) {
            contract.operations().forEach((name, operation) -> {
                int space = name.indexOf(' ');
                operations.add(new Operation(
                        name.substring(0, space), routeOf(name.substring(space + 1), rolesOf(operation))));
            });
        }
        pages.forEach(each ->
                each.paths().forEach(path -> operations.add(new Operation("GET", routeOf(path, Set.of())))));
        operations.sort(Comparator.comparing(operation -> operation.route.pattern));
        operations.forEach(this::add);
    }

    private record Operation(String method, Route route) {}

    /** @param roles any of which is enough; if there is none, no token is needed */
    record Rule(RequestMatcher matcher, Set<Role> roles) {}

    /** @param roles null if nobody may use it */
    private record Route(PathPattern pattern, @Nullable Set<Role> roles) {}

    /** @param needed any of these; none if no role helps */
    record Denied(Set<Role> needed) implements AuthorizationResult {

        @Override
        public boolean isGranted() {
            return false;
        }
    }

    /**
     * @param exact those without variables, by their path as it is in a request
     * @param index all, the most specific one first
     */
    private record Routes(Map<String, Route> exact, PathIndex<Route> index) {}

    private static Route routeOf(String path, @Nullable Set<Role> roles) {
        return new Route(PathPatternParser.defaultInstance.parse(path), roles);
    }

    private void add(Operation operation) {
        Route route = operation.route;
        add(operation.method, route);
        if (operation.method.equals("GET")) {
            add("HEAD", route);
        }
        add("OPTIONS", new Route(route.pattern, Set.of())); // tells the methods, and nothing else
    }

    private void add(String method, Route route) {
        Routes routes = byMethod.computeIfAbsent(method, unused -> new Routes(new HashMap<>(), new PathIndex<>()));
        String path = route.pattern.getPatternString();
        routes.index.add(path, route);
        if (!route.pattern.hasPatternSyntax()) {
            routes.exact.put(path, route);
        }
    }

    /** The roles that an operation names as the scopes of its security requirements: none if it needs no token, null if it says nothing. */
    private static @Nullable Set<Role> rolesOf(Map<String, Object> operation) {
        if (!(operation.get("security") instanceof List<?> requirements)) {
            return null;
        }
        Set<Role> roles = EnumSet.noneOf(Role.class);
        for (Object requirement : requirements) {
            for (Object names : ((Map<?, ?>) requirement).values()) {
                ((List<?>) names)
                        .forEach(role ->
                                roles.add(Role.valueOf(String.valueOf(role).toUpperCase(Locale.ROOT))));
            }
        }
        return roles;
    }

    @Override
    public AuthorizationResult authorize(
            Supplier<? extends @Nullable Authentication> authentication, HttpServletRequest request) {
        Set<Role> needed = rolesFor(request);
        if (needed != null && needed.isEmpty()) {
            return GRANTED;
        }
        Authentication caller = authentication.get(); // fails if there is none
        if (needed != null && caller != null && !Collections.disjoint(caller.getAuthorities(), needed)) {
            return GRANTED;
        }
        return new Denied(needed == null ? Set.of() : needed);
    }

    /** Null if nobody may. */
    private @Nullable Set<Role> rolesFor(HttpServletRequest request) {
        Routes routes = byMethod.get(request.getMethod());
        Route route = routes == null ? null : routeOf(request, routes);
        if (route != null) {
            return route.roles;
        }
        for (Rule rule : others) {
            if (rule.matcher.matches(request)) {
                return rule.roles;
            }
        }
        return null;
    }

    private static @Nullable Route routeOf(HttpServletRequest request, Routes routes) {
        Route exact = request.getContextPath().isEmpty() ? routes.exact.get(request.getRequestURI()) : null;
        if (exact != null) {
            return exact;
        }
        PathContainer path = ServletRequestPathUtils.parse(request).pathWithinApplication();
        for (Route route : routes.index.candidates(path.value())) {
            if (route.pattern.matches(path)) {
                return route;
            }
        }
        return null;
    }
}
