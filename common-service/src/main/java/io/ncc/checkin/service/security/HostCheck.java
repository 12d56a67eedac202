package io.ncc.checkin.service.security;

import io.ncc.checkin.service.ProblemType;
import io.netty.util.NetUtil;
import jakarta.servlet.FilterChain;
import jakarta.servlet.ServletException;
import jakarta.servlet.http.HttpFilter;
import jakarta.servlet.http.HttpServletRequest;
import jakarta.servlet.http.HttpServletResponse;
import java.io.IOException;
import java.util.Locale;
import java.util.Set;
import org.springframework.web.servlet.HandlerExceptionResolver;

/**
 * Refuses requests whose {@code Host} isn't one that this service goes by. A page can have the name of its own site resolve to this machine (DNS
 * rebinding): its browser then takes the service for that site. Addresses, {@code localhost} and other names without a dot can't be rebound.
 */
final class HostCheck extends HttpFilter {

    private static final long serialVersionUID = 1;

    private final transient HandlerExceptionResolver problems;
    private final Set<String> allowed;

    /** @param allowed names in lower case, some with {@code *.} at their beginning */
    HostCheck(HandlerExceptionResolver problems, Set<String> allowed) {
        this.problems = problems;
        this.allowed = allowed;
    }

    @Override
    protected void doFilter(HttpServletRequest request, HttpServletResponse response, FilterChain chain)
            throws IOException, ServletException {
        String host = request.getHeader("Host");
        if (host == null || isOurs(host)) { // only HTTP/1.0, which no browser speaks, comes without
            chain.doFilter(request, response);
        } else {
            problems.resolveException(request, response, null, ProblemType.MISDIRECTED_REQUEST.exception());
        }
    }

    /** @param host a name or an address, perhaps with a port */
    private boolean isOurs(String host) {
        if (host.startsWith("[")) {
            int end = host.indexOf(']');
            return end > 0 && NetUtil.isValidIpV6Address(host.substring(1, end));
        }
        int colon = host.indexOf(':');
        String name = colon < 0 ? host : host.substring(0, colon);
        return name.indexOf('.') < 0 || NetUtil.isValidIpV4Address(name) || isAllowed(name.toLowerCase(Locale.ROOT));
    }

    private boolean isAllowed(String name) {
        if (allowed.contains(name)) {
            return true;
        }
        for (int dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
            if (allowed.contains('*' + name.substring(dot))) {
                return true;
            }
        }
        return false;
    }
}
