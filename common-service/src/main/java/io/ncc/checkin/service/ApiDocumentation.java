package io.ncc.checkin.service;

import io.swagger.v3.oas.models.Components;
import io.swagger.v3.oas.models.OpenAPI;
import io.swagger.v3.oas.models.info.Info;
import io.swagger.v3.oas.models.media.ArraySchema;
import io.swagger.v3.oas.models.media.Content;
import io.swagger.v3.oas.models.media.IntegerSchema;
import io.swagger.v3.oas.models.media.ObjectSchema;
import io.swagger.v3.oas.models.media.Schema;
import io.swagger.v3.oas.models.media.StringSchema;
import io.swagger.v3.oas.models.responses.ApiResponse;
import java.util.Arrays;
import java.util.List;
import java.util.stream.Collectors;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.env.Environment;
import org.springframework.http.MediaType;

/** The common part of a service's OpenAPI description: the title, and a response for each error status, which routes reference by the status. */
@Configuration(proxyBeanMethods = false)
@ConditionalOnClass(OpenAPI.class)
class ApiDocumentation {

    private static final String PROBLEM = "Problem";

    @Bean
    OpenAPI openApi(Environment environment) {
        Components components = new Components().addSchemas(PROBLEM, problemSchema());
        Arrays.stream(ProblemType.values())
                .collect(Collectors.groupingBy(type -> type.status().value()))
                .forEach((status, types) -> components.addResponses(Integer.toString(status), response(types)));
        return new OpenAPI()
                .info(new Info()
                        .title(environment.getProperty("spring.application.name", ""))
                        .version("1"))
                .components(components);
    }

    private static Schema<?> problemSchema() {
        return new ObjectSchema()
                .description("RFC 9457")
                .addProperty("type", new StringSchema().format("uri"))
                .addProperty("title", new StringSchema())
                .addProperty("status", new IntegerSchema())
                .addProperty("detail", new StringSchema())
                .addProperty("instance", new StringSchema().format("uri"))
                .addProperty("errors", new ArraySchema().items(new ObjectSchema()));
    }

    private static ApiResponse response(List<ProblemType> types) {
        String meanings = types.stream()
                .map(type -> "`" + type.slug() + "`: " + type.problem().getDetail())
                .collect(Collectors.joining("\n\n"));
        Schema<?> schema = new Schema<>().$ref(PROBLEM);
        return new ApiResponse()
                .description(meanings)
                .content(new Content()
                        .addMediaType(
                                MediaType.APPLICATION_PROBLEM_JSON_VALUE,
                                new io.swagger.v3.oas.models.media.MediaType().schema(schema)));
    }
}
