package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ApiContract;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.SingleHeaders;
import jakarta.servlet.Filter;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.health.actuate.endpoint.HealthEndpoint;
import org.springframework.boot.security.autoconfigure.actuate.web.servlet.EndpointRequest;
import org.springframework.boot.security.oauth2.server.resource.autoconfigure.JwkSetUriJwtDecoderBuilderCustomizer;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.boot.web.server.autoconfigure.ServerProperties;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.http.HttpHeaders;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.config.BeanIds;
import org.springframework.security.oauth2.jwt.JwtDecoder;
import org.springframework.security.oauth2.server.resource.authentication.JwtAuthenticationConverter;
import org.springframework.security.oauth2.server.resource.web.authentication.BearerTokenAuthenticationFilter;
import org.springframework.security.web.DefaultSecurityFilterChain;
import org.springframework.security.web.FilterChainProxy;
import org.springframework.security.web.SecurityFilterChain;
import org.springframework.security.web.access.ExceptionTranslationFilter;
import org.springframework.security.web.access.intercept.AuthorizationFilter;
import org.springframework.security.web.savedrequest.NullRequestCache;
import org.springframework.security.web.util.matcher.AnyRequestMatcher;
import org.springframework.web.cors.CorsConfiguration;
import org.springframework.web.cors.CorsConfigurationSource;
import org.springframework.web.cors.CorsUtils;
import org.springframework.web.filter.CorsFilter;
import org.springframework.web.servlet.HandlerExceptionResolver;
import org.springframework.web.servlet.HandlerMapping;
import org.springframework.web.servlet.ModelAndView;

/**
 * One chain of filters for all requests, on every port of a service. It keeps no state between requests. To be imported by each service. A service may have
 * more beans of the type {@link AuthenticationProvider}, for tokens of other kinds.
 */
@Configuration(proxyBeanMethods = false)
@EnableConfigurationProperties(SecurityProperties.class)
public class SecurityConfiguration {

    private static final Logger log = LoggerFactory.getLogger(SecurityConfiguration.class);

    /** Swagger UI has styles in its elements. */
    private static final String DOCUMENTATION =
            "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline';"
                    + " img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /** For the decoder that the settings of Spring Boot make. */
    @Bean
    JwkSetUriJwtDecoderBuilderCustomizer issuerRequests() {
        return decoder -> decoder.restOperations(new IssuerRequests());
    }

    @Bean
    Access access(
            SecurityProperties properties,
            ObjectProvider<AuthenticationProvider> more,
            ObjectProvider<JwtDecoder> decoder,
            ObjectProvider<JwtAuthenticationConverter> converter) {
        List<AuthenticationProvider> providers = new ArrayList<>();
        if (!properties.tokens().isEmpty()) {
            providers.add(new ConfiguredTokens(properties.tokens()));
        }
        more.orderedStream().forEach(providers::add);
        decoder.ifAvailable(
                jwts -> providers.add(new JwtTokens(jwts, converter.getIfAvailable(JwtAuthenticationConverter::new))));
        Access access = new Access(properties.mode(), providers);
        log.info("Access is {}", access);
        return access;
    }

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> addressOfTheServer(
            Access access, ServerProperties properties) {
        return factory -> {
            factory.setAddress(access.listenOn("server.address", properties.getAddress()));
            access.keepHeadersOfProxies(factory);
        };
    }

    /**
     * What the requests that the chain answers have to pass, too.
     *
     * @param filter null if there is no limit
     * @param isUsedUp whether a request would be refused for the limit of its address
     */
    public record RequestLimit(@Nullable Filter filter, Predicate<HttpServletRequest> isUsedUp) {

        /** Refuses nothing. */
        public static final RequestLimit NONE = new RequestLimit(null, request -> false);

        /** Answers with a problem, unless the filter answers itself. */
        private HandlerExceptionResolver before(HandlerExceptionResolver problems) {
            return filter == null
                    ? problems
                    : (request, response, handler, problem) -> {
                        try {
                            filter.doFilter(
                                    request,
                                    response,
                                    (passed, answer) -> problems.resolveException(request, response, handler, problem));
                        } catch (IOException e) {
                            throw new UncheckedIOException(e);
                        } catch (ServletException e) {
                            throw new IllegalStateException(e);
                        }
                        return new ModelAndView();
                    };
        }

        /** Answers preflights that pass. Other requests pass the filter later. */
        private Filter beforePreflights(CorsFilter cors) {
            return filter == null
                    ? cors
                    : (request, response, chain) -> {
                        if (CorsUtils.isPreFlightRequest((HttpServletRequest) request)) {
                            filter.doFilter(
                                    request, response, (passed, answer) -> cors.doFilter(passed, answer, chain));
                        } else {
                            cors.doFilter(request, response, chain);
                        }
                    };
        }
    }

    @Bean
    SecurityFilterChain securityFilters(
            Access access,
            SecurityProperties properties,
            ObjectProvider<ApiContract> contract,
            ObjectProvider<Pages> pages,
            ObjectProvider<RequestLimit> limit,
            ObjectProvider<Sessions> sessions,
            ObjectProvider<HandlerMapping> mappings,
            HandlerExceptionResolver handlerExceptionResolver) {
        RequestLimit requestLimit = limit.getIfAvailable(() -> RequestLimit.NONE);
        HandlerExceptionResolver refused = requestLimit.before(handlerExceptionResolver);
        Set<String> hosts = properties.allowedHosts().stream()
                .map(host -> host.toLowerCase(Locale.ROOT))
                .collect(Collectors.toUnmodifiableSet());
        List<Pages> allPages = new ArrayList<>(pages.stream().toList());
        contract.ifAvailable(file -> allPages.add(new Pages(file.pages(), DOCUMENTATION)));
        List<Filter> filters = new ArrayList<>(List.of(
                new SecurityHeaders(allPages),
                new HostCheck(refused, hosts),
                new ForeignPages(refused, properties.allowedOrigins())));
        if (!properties.allowedOrigins().isEmpty()) {
            filters.add(requestLimit.beforePreflights(new CorsFilter(corsOf(properties.allowedOrigins()))));
        }
        if (access.isLocal()) {
            filters.add(new LocalCallers(refused));
        } else if (access.isByToken()) {
            filters.add(new SingleHeaders(refused, HttpHeaders.AUTHORIZATION));
            sessions.ifAvailable(known -> filters.add(sessionsWithin(requestLimit, known, refused)));
            Refusals refusals = new Refusals(refused, new MappedRoutes(mappings));
            RouteRoles roles = new RouteRoles(
                    contract.getIfAvailable(),
                    allPages,
                    List.of(
                            new RouteRoles.Rule(EndpointRequest.to(HealthEndpoint.class), Set.of()),
                            new RouteRoles.Rule(EndpointRequest.toAnyEndpoint(), Set.of(Role.OPERATE))));
            BearerTokenAuthenticationFilter tokens =
                    new BearerTokenAuthenticationFilter(new ProviderManager(access.providers()));
            tokens.setAuthenticationEntryPoint(refusals);
            tokens.setAuthenticationFailureHandler(refusals);
            filters.add(tokens);
            ExceptionTranslationFilter translation = new ExceptionTranslationFilter(refusals, new NullRequestCache());
            translation.setAccessDeniedHandler(refusals);
            filters.add(translation);
            filters.add(new AuthorizationFilter(roles));
        }
        return new DefaultSecurityFilterChain(AnyRequestMatcher.INSTANCE, filters);
    }

    /** A client that has used up its limit has Redis asked only for sessions that were found there before. */
    private static Filter sessionsWithin(RequestLimit limit, Sessions sessions, HandlerExceptionResolver refused) {
        return (servletRequest, servletResponse, chain) -> {
            HttpServletRequest request = (HttpServletRequest) servletRequest;
            HttpServletResponse response = (HttpServletResponse) servletResponse;
            String authorization = request.getHeader(HttpHeaders.AUTHORIZATION);
            if (authorization != null
                    && limit.isUsedUp.test(request)
                    && sessions.isUnmet(authorization.substring(authorization.lastIndexOf(' ') + 1))) {
                // a 429, unless the limit has room again since
                refused.resolveException(request, response, null, ProblemType.TOKEN_UNVERIFIED.exception());
            } else {
                chain.doFilter(request, response);
            }
        };
    }

    /**
     * Of other origins, pages can do what they always can: send requests that change nothing, and not read the answers. Whatever these origins send goes on to
     * the routes, which answer with a problem if they don't have the method.
     */
    private static CorsConfigurationSource corsOf(Set<String> origins) {
        CorsConfiguration cors = new CorsConfiguration();
        cors.setAllowedOrigins(List.copyOf(origins));
        cors.setAllowedMethods(List.of(CorsConfiguration.ALL));
        cors.setAllowedHeaders(List.of(CorsConfiguration.ALL)); // a token, above all; there are no cookies
        cors.setExposedHeaders(List.of(
                "Accept",
                "Accept-Encoding",
                "Location",
                "RateLimit",
                "RateLimit-Policy",
                "Retry-After",
                "WWW-Authenticate"));
        cors.setMaxAge(Duration.ofHours(1));
        return request -> {
            String origin = request.getHeader(HttpHeaders.ORIGIN);
            return origin != null && origins.contains(origin) ? cors : null;
        };
    }

    /** Has the name by which Spring Boot finds it, and puts it in front of both servers. */
    @Bean(BeanIds.SPRING_SECURITY_FILTER_CHAIN)
    FilterChainProxy springSecurityFilterChain(SecurityFilterChain securityFilters) {
        FilterChainProxy proxy = new FilterChainProxy(securityFilters);
        proxy.setFirewall(new AnyRequest());
        return proxy;
    }
}
