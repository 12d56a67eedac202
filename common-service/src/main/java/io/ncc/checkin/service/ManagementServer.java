package io.ncc.checkin.service;

import io.ncc.checkin.service.security.Access;
import java.net.InetAddress;
import java.util.Objects;
import java.util.Set;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.ApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.web.servlet.DispatcherServlet;
import org.springframework.web.servlet.HandlerExceptionResolver;

/** The server of {@code management.server.port}, where that is set: like the main one, with problems as its errors, and on loopback unless {@code management.server.address} says otherwise. */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
class ManagementServer {

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> managementTomcat(
            Environment environment, ManagementServerProperties properties, Access access) {
        TomcatSettings settings = new TomcatSettings(environment);
        return factory -> {
            settings.customize(factory);
            factory.setErrorPages(Set.of()); // ProblemValve answers
            InetAddress address = access.listenOn("management.server.address", properties.getAddress());
            factory.setAddress(address == null ? InetAddress.getLoopbackAddress() : address);
            access.keepHeadersOfProxies(factory);
        };
    }

    /** That of the main server, which answers with problems. */
    @Bean
    HandlerExceptionResolver managementProblems(ApplicationContext context) {
        HandlerExceptionResolver problems = Objects.requireNonNull(context.getParent())
                .getBean(DispatcherServlet.HANDLER_EXCEPTION_RESOLVER_BEAN_NAME, HandlerExceptionResolver.class);
        return (request, response, handler, failure) -> problems.resolveException(request, response, handler, failure);
    }
}
