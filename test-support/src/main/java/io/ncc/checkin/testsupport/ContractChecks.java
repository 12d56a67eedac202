package io.ncc.checkin.testsupport;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.checkin.testsupport.Contract.Route;
import java.net.URI;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.springframework.context.ApplicationContext;
import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.MethodParameter;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.method.HandlerMethod;
import org.springframework.web.servlet.mvc.method.RequestMappingInfo;
import org.springframework.web.servlet.mvc.method.annotation.RequestMappingHandlerMapping;
import tools.jackson.databind.node.ArrayNode;
import tools.jackson.databind.node.ObjectNode;

/**
 * The contract of a service is a file that is written by hand: it must be valid, it must have each route with its parameters and no other, and it must be
 * served. The test of a service extends this class.
 */
public abstract class ContractChecks {

    private static final String OURS = "io.ncc.checkin.";
    private static final DefaultParameterNameDiscoverer NAMES = new DefaultParameterNameDiscoverer();

    private final Contract contract;

    protected ContractChecks(Contract contract) {
        this.contract = contract;
    }

    /** The service, which has a server. */
    protected abstract ApplicationContext service();

    /** The routes that are no methods of a controller, by {@code METHOD /path}. */
    protected Map<String, Route> otherRoutes() {
        return Map.of();
    }

    /** The headers that are read, but not declared as parameters of a method. */
    protected Set<String> otherHeaders() {
        return Set.of();
    }

    private String url(String path) {
        return "http://localhost:" + service().getEnvironment().getRequiredProperty("local.server.port") + path;
    }

    @Test
    void itIsValidAndSoAreItsExamples() {
        assertThat(contract.problems()).isEmpty();
    }

    @Test
    void whatIsNotValidIsFound() {
        String text = contract.text();
        for (String[] change :
                new String[][] {{"operationId:", "operationIdd:"}, {"locationId: 171", "locationId: x"}}) {
            assertThat(text).contains(change[0]);
            assertThat(Contract.of(text.replaceFirst(change[0], change[1])).problems())
                    .as(change[1])
                    .isNotEmpty();
        }
    }

    @Test
    void itsRoutesAreThoseOfTheService() {
        Map<String, Route> mapped = mapped();
        assertThat(withoutAnswers(contract.routes())).isEqualTo(withoutAnswers(mapped));
        // where there is no content in an answer, the method says nevertheless what it would be
        contract.routes()
                .forEach((name, route) -> assertThat(
                                Objects.requireNonNull(mapped.get(name)).produces())
                        .as(name)
                        .containsAll(route.produces()));
    }

    @Test
    void aRouteOrParameterThatIsNotInItIsFound() {
        Map<String, Route> mapped = withoutAnswers(mapped());
        contract.routes().forEach((name, route) -> {
            ObjectNode document = (ObjectNode) contract.document().deepCopy();
            ObjectNode path = (ObjectNode) document.get("paths").get(name.substring(name.indexOf('/')));
            String method = name.substring(0, name.indexOf(' ')).toLowerCase(Locale.ROOT);
            if (path.get(method).get("parameters") instanceof ArrayNode parameters
                    && otherHeaders().isEmpty()) {
                parameters.remove(parameters.size() - 1);
                assertThat(withoutAnswers(Contract.of(document).routes()))
                        .as("without the last parameter of %s", name)
                        .isNotEqualTo(mapped);
            }
            path.remove(method);
            assertThat(withoutAnswers(Contract.of(document).routes()))
                    .as("without %s", name)
                    .isNotEqualTo(mapped);
        });
    }

    private Map<String, Route> withoutAnswers(Map<String, Route> routes) {
        Map<String, Route> without = new TreeMap<>();
        routes.forEach((name, route) -> {
            Map<String, Boolean> parameters = new TreeMap<>(route.parameters());
            otherHeaders().forEach(header -> parameters.remove("header " + header));
            without.put(name, new Route(route.consumes(), Set.of(), parameters));
        });
        return without;
    }

    private Map<String, Route> mapped() {
        Map<String, Route> mapped = new TreeMap<>(otherRoutes());
        for (RequestMappingHandlerMapping mapping :
                service().getBeansOfType(RequestMappingHandlerMapping.class).values()) {
            mapping.getHandlerMethods().forEach((info, method) -> {
                if (method.getBeanType().getName().startsWith(OURS)) {
                    names(info).forEach(name -> mapped.put(name, route(info, method)));
                }
            });
        }
        return mapped;
    }

    private static Stream<String> names(RequestMappingInfo info) {
        return info.getMethodsCondition().getMethods().stream()
                .flatMap(method -> info.getPatternValues().stream().map(path -> method + " " + path));
    }

    private static Route route(RequestMappingInfo info, HandlerMethod method) {
        Set<String> consumes = names(info.getConsumesCondition().getConsumableMediaTypes());
        Map<String, Boolean> parameters = new TreeMap<>();
        if (!consumes.isEmpty()) {
            parameters.put("body", true);
        }
        for (MethodParameter parameter : method.getMethodParameters()) {
            parameter.initParameterNameDiscovery(NAMES);
            RequestParam inQuery = parameter.getParameterAnnotation(RequestParam.class);
            RequestHeader inHeader = parameter.getParameterAnnotation(RequestHeader.class);
            PathVariable inPath = parameter.getParameterAnnotation(PathVariable.class);
            if (inQuery != null) {
                parameters.put("query " + name(inQuery.name(), parameter), inQuery.required());
            } else if (inHeader != null) {
                parameters.put("header " + name(inHeader.name(), parameter), inHeader.required());
            } else if (inPath != null) {
                parameters.put("path " + name(inPath.name(), parameter), inPath.required());
            }
        }
        return new Route(consumes, names(info.getProducesCondition().getProducibleMediaTypes()), parameters);
    }

    private static Set<String> names(Set<MediaType> types) {
        return types.stream().map(MediaType::toString).collect(Collectors.toSet());
    }

    private static String name(String declared, MethodParameter parameter) {
        return declared.isEmpty() ? String.valueOf(parameter.getParameterName()) : declared;
    }

    @Test
    void itIsServedAsItIsAndAsJson() {
        HttpAnswer yaml = HttpAnswer.get(url("/v3/api-docs.yaml"));
        assertThat(yaml.header("Content-Type")).isEqualTo("application/yaml");
        assertThat(yaml.body()).isEqualTo(contract.text());

        HttpAnswer json = HttpAnswer.get(url("/v3/api-docs"));
        assertThat(json.header("Content-Type")).isEqualTo("application/json");
        assertThat(json.json()).isEqualTo(contract.document());
    }

    @Test
    void itsPageIsThereWithAllItNeeds() {
        HttpAnswer docs = HttpAnswer.get(url("/docs"));
        assertThat(docs.status()).isEqualTo(302);
        assertThat(docs.header("Location")).isEqualTo("docs/index.html");

        HttpAnswer page = HttpAnswer.get(url("/docs/index.html"));
        assertThat(page.status()).isEqualTo(200);
        assertThat(page.header("Content-Type")).startsWith("text/html");
        List<String> needed = Pattern.compile("(?:src|href)=\"([^\"]+)\"")
                .matcher(page.body())
                .results()
                .map(match -> match.group(1))
                .toList();
        assertThat(needed).hasSize(3);
        assertThat(needed)
                .allSatisfy(file -> assertThat(HttpAnswer.get(URI.create(url("/docs/index.html"))
                                        .resolve(file)
                                        .toString())
                                .status())
                        .as(file)
                        .isEqualTo(200));
    }
}
