package io.ncc.checkin.service;

import org.apache.catalina.core.StandardHost;
import org.apache.coyote.ContinueResponseTiming;
import org.apache.coyote.http11.AbstractHttp11Protocol;
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

    /** A client that sends {@code Expect: 100-continue} is told to go on once its body is read, and not before it is known that it will be. */
    @Bean
    WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> continueOnRead() {
        return factory -> factory.addProtocolHandlerCustomizers(protocol -> ((AbstractHttp11Protocol<?>) protocol)
                .setContinueResponseTiming(ContinueResponseTiming.ON_REQUEST_BODY_READ.toString()));
    }
}
