package io.ncc.checkin.service;

import org.apache.catalina.core.StandardHost;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

/** To be imported by each service. */
@Configuration(proxyBeanMethods = false)
@Import({
    RedisConfiguration.class,
    AsyncAnswers.class,
    QueryParameters.class,
    ForeignPages.class,
    ProblemAdvice.class,
    ApiDocumentation.class
})
public class ServiceConfiguration {

    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> problemValve() {
        return factory -> factory.addContextCustomizers(
                context -> ((StandardHost) context.getParent()).setErrorReportValveClass(ProblemValve.class.getName()));
    }
}
