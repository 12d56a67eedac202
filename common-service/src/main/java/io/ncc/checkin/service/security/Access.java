package io.ncc.checkin.service.security;

import io.ncc.checkin.service.security.SecurityProperties.Mode;
import jakarta.servlet.http.HttpServletRequest;
import java.net.InetAddress;
import java.util.List;
import org.apache.catalina.valves.RemoteIpValve;
import org.jspecify.annotations.Nullable;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.security.authentication.AuthenticationProvider;
import org.springframework.security.authentication.AuthenticationServiceException;
import org.springframework.security.authentication.ProviderManager;
import org.springframework.security.core.AuthenticationException;
import org.springframework.security.oauth2.server.resource.authentication.BearerTokenAuthenticationToken;
import org.springframework.security.oauth2.server.resource.web.DefaultBearerTokenResolver;

/** How a service tells who may use it: by tokens, by the address that it listens on, or not at all. */
public final class Access {

    private final Mode mode;
    private final List<AuthenticationProvider> providers;

    Access(Mode mode, List<AuthenticationProvider> providers) {
        if (mode == Mode.OPEN && !providers.isEmpty()) {
            throw new InvalidConfigurationPropertyValueException(
                    "checkin.security.mode",
                    "open",
                    "It must be protected if there are tokens, logins or an issuer of JWTs: open asks for no token.");
        }
        this.mode = mode;
        this.providers = List.copyOf(providers);
    }

    /** For whom it is, to be read after "Access is". */
    @Override
    public String toString() {
        if (isByToken()) {
            return "by token: every request needs one";
        }
        return isLocal()
                ? "protected: from this machine only, without a token (checkin.security.* changes that)"
                : "open: from anywhere, without a token";
    }

    /** Whether requests need a token. */
    public boolean isByToken() {
        return !providers.isEmpty();
    }

    /** Whether only this machine has access, and needs no token. */
    public boolean isLocal() {
        return mode == Mode.PROTECTED && !isByToken();
    }

    List<AuthenticationProvider> providers() {
        return providers;
    }

    /** The token of a request that was let in; null if requests need none. */
    public @Nullable String tokenOf(HttpServletRequest request) {
        return isByToken() ? new DefaultBearerTokenResolver().resolve(request) : null;
    }

    /** Whether a token that was good still is; also true if that can't be told at the moment. It may wait for Redis or an issuer. */
    public boolean admits(String token) {
        try {
            new ProviderManager(providers).authenticate(new BearerTokenAuthenticationToken(token));
            return true;
        } catch (AuthenticationServiceException e) {
            return true;
        } catch (AuthenticationException e) {
            return false;
        }
    }

    /**
     * The address that a server has to listen on, null for all.
     *
     * @param setting the name of the setting that has the address
     * @param configured its value, null if it isn't set
     * @throws InvalidConfigurationPropertyValueException if others could reach it without a token
     */
    public @Nullable InetAddress listenOn(String setting, @Nullable InetAddress configured) {
        if (!isLocal()) {
            return configured;
        }
        if (configured == null) {
            return InetAddress.getLoopbackAddress();
        }
        if (!configured.isLoopbackAddress()) {
            throw new InvalidConfigurationPropertyValueException(
                    setting,
                    configured.getHostAddress(),
                    "In protected mode, a service that asks for no token listens on the loopback address only. To be reached from"
                            + " other machines it needs checkin.security.tokens, an issuer of JWTs"
                            + " (spring.security.oauth2.resourceserver.jwt.issuer-uri), checkin.security.logins, or"
                            + " checkin.security.mode=open if"
                            + " something in front of it decides who may reach it.");
        }
        return configured;
    }

    /** If only this machine has access, has a server keep the headers by which {@link LocalCallers} knows a proxy. {@code RemoteIpValve} would take them away. */
    public void keepHeadersOfProxies(ConfigurableTomcatWebServerFactory factory) {
        if (isLocal()) {
            ((TomcatWebServerFactory) factory).getEngineValves().removeIf(RemoteIpValve.class::isInstance);
        }
    }
}
