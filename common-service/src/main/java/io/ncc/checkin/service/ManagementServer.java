package io.ncc.checkin.service;

import java.net.InetAddress;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextConfiguration;
import org.springframework.boot.actuate.autoconfigure.web.ManagementContextType;
import org.springframework.boot.actuate.autoconfigure.web.server.ManagementServerProperties;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;

/** The server of {@code management.server.port}, where that is set: like the main one, and on loopback unless {@code management.server.address} says otherwise. */
@ManagementContextConfiguration(value = ManagementContextType.CHILD, proxyBeanMethods = false)
class ManagementServer {

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> managementTomcat(
            Environment environment, ManagementServerProperties properties) {
        TomcatSettings settings = new TomcatSettings(environment);
        return factory -> {
            settings.customize(factory);
            if (properties.getAddress() == null) {
                factory.setAddress(InetAddress.getLoopbackAddress());
            }
        };
    }
}
