package io.ncc.checkin.service;

import org.apache.catalina.core.StandardHost;
import org.apache.coyote.AbstractProtocol;
import org.apache.coyote.ContinueResponseTiming;
import org.apache.coyote.http11.AbstractHttp11Protocol;
import org.springframework.boot.tomcat.ConfigurableTomcatWebServerFactory;
import org.springframework.boot.tomcat.TomcatWebServerFactory;
import org.springframework.boot.web.server.WebServerFactoryCustomizer;
import org.springframework.core.env.Environment;

/**
 * The settings of each Tomcat of a service: errors as problems, 100 only for a body that is read, no more connections than the heap can hold, few threads,
 * and up to as many as connections where these are held.
 */
final class TomcatSettings implements WebServerFactoryCustomizer<ConfigurableTomcatWebServerFactory> {

    private static final String MAX_CONNECTIONS = "server.tomcat.max-connections";
    private static final String MIN_THREADS = "server.tomcat.threads.min-spare";
    private static final String MAX_THREADS = "server.tomcat.threads.max";

    /** Tomcat's own default. */
    private static final int MOST_CONNECTIONS = 8_192;

    /** Of the heap, for each connection. One whose request is being received takes up to 112 KB, and others need room, too. */
    private static final int HEAP_PER_CONNECTION = 256 * 1024;

    /** Where nothing holds them. One for each core would idle when one of them waits for a moment. */
    private static final int THREADS = Math.max(4, 2 * Runtime.getRuntime().availableProcessors());

    /**
     * Of the extensions of all chunks of a request, and of its trailing headers with the empty line at their end, in bytes. They mean nothing here, and as
     * long as they come, a read that may wait doesn't return.
     */
    private static final int MOST_BESIDE_CHUNKS = 16;

    private final Environment environment;

    TomcatSettings(Environment environment) {
        this.environment = environment;
    }

    @Override
    public void customize(ConfigurableTomcatWebServerFactory factory) {
        factory.addContextCustomizers(
                context -> ((StandardHost) context.getParent()).setErrorReportValveClass(ProblemValve.class.getName()));
        // a client that sends Expect: 100-continue is told to go on when its body is read, not before it is known that
        // it will be
        factory.addProtocolHandlerCustomizers(protocol -> ((AbstractHttp11Protocol<?>) protocol)
                .setContinueResponseTiming(ContinueResponseTiming.ON_REQUEST_BODY_READ.toString()));
        ((TomcatWebServerFactory) factory).setProtocol(Http11.class.getName());
        factory.addProtocolHandlerCustomizers(protocol -> {
            ((AbstractHttp11Protocol<?>) protocol).setMaxExtensionSize(MOST_BESIDE_CHUNKS);
            ((AbstractHttp11Protocol<?>) protocol).setMaxTrailerSize(MOST_BESIDE_CHUNKS);
        });
        // not a customizer of the protocol: those come before Boot's own, which sets Tomcat's defaults
        factory.addConnectorCustomizers(connector -> {
            // no forms: Tomcat would read one whole, however slowly it comes, when somebody asks for a parameter
            connector.setParseBodyMethods("");
            customize((AbstractProtocol<?>) connector.getProtocolHandler());
        });
    }

    private void customize(AbstractProtocol<?> protocol) {
        if (!environment.containsProperty(MAX_CONNECTIONS)) {
            protocol.setMaxConnections(connectionsOf(Runtime.getRuntime().maxMemory()));
        }
        if (!environment.containsProperty(MIN_THREADS)) {
            protocol.setMinSpareThreads(THREADS);
        }
        if (!environment.containsProperty(MAX_THREADS)) {
            protocol.setMaxThreads(protocol.getMaxConnections()); // a client that sends or reads slowly holds one
        }
    }

    /** @param heap in bytes */
    static int connectionsOf(long heap) {
        return (int) Math.min(MOST_CONNECTIONS, heap / HEAP_PER_CONNECTION);
    }
}
