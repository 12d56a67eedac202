package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.springframework.http.HttpHeaders;
import org.springframework.security.access.AccessDeniedException;
import org.springframework.security.authentication.AuthenticationCredentialsNotFoundException;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authorization.AuthorizationDeniedException;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.web.AuthenticationEntryPoint;
import org.springframework.security.web.access.AccessDeniedHandler;
import org.springframework.security.web.authentication.AuthenticationFailureHandler;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Answers requests that the chain refuses, with problems, and with the {@code WWW-Authenticate} of
 * <a href="https://www.rfc-editor.org/rfc/rfc6750#section-3">RFC 6750</a>.
 */
final class Refusals implements AuthenticationEntryPoint, AuthenticationFailureHandler, AccessDeniedHandler {

    private final HandlerExceptionResolver problems;
    private final Predicate<HttpServletRequest> hasRoute;

    /** @param hasRoute tells a request that nobody may make from one for a path that doesn't exist */
    Refusals(HandlerExceptionResolver problems, Predicate<HttpServletRequest> hasRoute) {
        this.problems = problems;
        this.hasRoute = hasRoute;
    }

    @Override
    public void commence(HttpServletRequest request, HttpServletResponse response, AuthenticationException e) {
        if (e instanceof AuthenticationServiceException) {
            refuse(request, response, ProblemType.TOKEN_UNVERIFIED.exception());
        } else if (e instanceof AuthenticationCredentialsNotFoundException) {
            refuse(request, response, challenging(ProblemType.UNAUTHENTICATED.exception(), "Bearer"));
        } else {
            ErrorResponseException problem =
                    ProblemType.UNAUTHENTICATED.exception("The token is unknown, malformed or no longer valid.");
            refuse(request, response, challenging(problem, "Bearer error=\"invalid_token\""));
        }
    }

    @Override
    public void onAuthenticationFailure(
            HttpServletRequest request, HttpServletResponse response, AuthenticationException e) {
        commence(request, response, e);
    }

    @Override
    public void handle(HttpServletRequest request, HttpServletResponse response, AccessDeniedException e) {
        Set<Role> needed = e instanceof AuthorizationDeniedException denied
                        && denied.getAuthorizationResult() instanceof RouteRoles.Denied result
                ? result.needed()
                : Set.of();
        String challenge = "Bearer error=\"insufficient_scope\"";
        if (needed.isEmpty() && !hasRoute.test(request)) {
            refuse(request, response, ProblemType.NOT_FOUND.exception());
        } else if (needed.isEmpty()) {
            refuse(request, response, challenging(ProblemType.FORBIDDEN.exception(), challenge));
        } else {
            String scopes = needed.stream().map(Role::getAuthority).collect(Collectors.joining(" "));
            String roles = needed.stream().map(Role::label).collect(Collectors.joining(" or "));
            refuse(
                    request,
                    response,
                    challenging(
                            ProblemType.FORBIDDEN.exception("The token must have the role " + roles + '.'),
                            challenge + ", scope=\"" + scopes + '"'));
        }
    }

    private static ErrorResponseException challenging(ErrorResponseException problem, String challenge) {
        problem.getHeaders().set(HttpHeaders.WWW_AUTHENTICATE, challenge);
        return problem;
    }

    private void refuse(HttpServletRequest request, HttpServletResponse response, ErrorResponseException problem) {
        problems.resolveException(request, response, null, problem);
    }
}
