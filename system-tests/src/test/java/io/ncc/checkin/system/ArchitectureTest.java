package io.ncc.checkin.system;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.name;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import io.lettuce.core.cluster.RedisClusterClient;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.springframework.context.SmartLifecycle;
import org.springframework.context.annotation.Configuration;

/** The rules for modules and packages. The classes in the package {@code broken} show that each rule can fail. */
final class ArchitectureTest {

    private static final String PRODUCT = "io.ncc";
    private static final String BROKEN = "io.ncc.broken";
    private static final String[] LIBRARIES_OF_THE_LINK = {
        "java..",
        "org.jspecify..",
        "org.slf4j..",
        "io.lettuce..",
        "io.netty..",
        "reactor.core.publisher.." // Lettuce's interfaces use it
    };

    private static final JavaClasses PRODUCT_CLASSES = new ClassFileImporter()
            .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
            .importPackages(PRODUCT);
    private static final JavaClasses BROKEN_CLASSES = new ClassFileImporter().importPackages(BROKEN);

    /** @param of makes the rule for the packages below a root */
    record Rule(String name, Function<String, ArchRule> of) {

        @Override
        public String toString() {
            return name;
        }
    }

    static Stream<Rule> rules() {
        return Stream.of(
                new Rule(
                        "the model is plain Java",
                        root -> classes()
                                .that()
                                .resideInAPackage(root + ".checkin.model..")
                                .should()
                                .onlyDependOnClassesThat()
                                .resideInAnyPackage(root + ".checkin.model..", "java..", "org.jspecify..")),
                new Rule(
                        "the link needs Lettuce, SLF4J and Spring's way to start and stop it, and knows nothing of the product",
                        root -> classes()
                                .that()
                                .resideInAPackage(root + ".redis..")
                                .should()
                                .onlyDependOnClassesThat(resideInAnyPackage(LIBRARIES_OF_THE_LINK)
                                        .or(resideInAPackage(root + ".redis.."))
                                        .or(type(SmartLifecycle.class)))),
                new Rule(
                        "the engine needs what the link needs, the link and Micrometer, and knows nothing of the product",
                        root -> classes()
                                .that()
                                .resideInAPackage(root + ".engine..")
                                .should()
                                .onlyDependOnClassesThat(resideInAnyPackage(LIBRARIES_OF_THE_LINK)
                                        .or(resideInAnyPackage(
                                                root + ".engine..", root + ".redis..", "io.micrometer.core.."))
                                        .or(type(SmartLifecycle.class)))),
                new Rule(
                        "services don't depend on each other",
                        root -> slices().matching(root + ".checkin.(receiver|processor|api)..")
                                .should()
                                .notDependOnEachOther()),
                new Rule(
                        "what the services share knows none of them, no engine, and of the model only partitions and keys",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".checkin.service..")
                                .should()
                                .dependOnClassesThat(resideInAnyPackage(
                                                root + ".checkin.model..",
                                                root + ".checkin.receiver..",
                                                root + ".checkin.processor..",
                                                root + ".checkin.api..",
                                                root + ".engine..")
                                        .and(not(name(root + ".checkin.model.Partitions")))
                                        .and(not(name(root + ".checkin.model.Keys"))))),
                new Rule(
                        "the receiver appends, and needs no engine",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".checkin.receiver..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage(root + ".engine..")),
                new Rule(
                        "the fixtures of the tests know of the product only the model",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".checkin.testsupport..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(
                                        root + ".redis..",
                                        root + ".engine..",
                                        root + ".checkin.service..",
                                        root + ".checkin.receiver..",
                                        root + ".checkin.processor..",
                                        root + ".checkin.api..")),
                new Rule(
                        "there is one JSON library, Jackson 3",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + "..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage("com.fasterxml.jackson.databind..")),
                new Rule(
                        "no command goes through Lettuce's cluster client, which may send it twice",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + "..")
                                .should()
                                .dependOnClassesThat()
                                .areAssignableTo(RedisClusterClient.class)),
                new Rule(
                        "classes are final unless a framework must extend them",
                        root -> classes()
                                .that()
                                .resideInAPackage(root + "..")
                                .and()
                                .areNotInterfaces()
                                .and()
                                .areNotAnonymousClasses()
                                .and()
                                .doNotHaveModifier(JavaModifier.ABSTRACT)
                                .and()
                                .areNotMetaAnnotatedWith(Configuration.class)
                                .should()
                                .haveModifier(JavaModifier.FINAL)));
    }

    @ParameterizedTest
    @MethodSource("rules")
    void theProductKeepsTheRule(Rule rule) {
        rule.of().apply(PRODUCT).check(PRODUCT_CLASSES);
    }

    @ParameterizedTest
    @MethodSource("rules")
    void theRuleCanFail(Rule rule) {
        assertThat(rule.of().apply(BROKEN).evaluate(BROKEN_CLASSES).hasViolation())
                .isTrue();
    }

    @Test
    void allModulesAreLookedAt() {
        for (String module : new String[] {
            "redis",
            "engine",
            "checkin.model",
            "checkin.service",
            "checkin.localredis",
            "checkin.testsupport",
            "checkin.receiver",
            "checkin.processor",
            "checkin.api",
            "checkin.demo"
        }) {
            assertThat(PRODUCT_CLASSES.stream().map(found -> found.getPackageName()))
                    .contains(PRODUCT + "." + module);
        }
    }

    /** Neither in Java nor in Lua: whoever takes the engine for another stream finds nothing of this one in it. */
    @ParameterizedTest
    @ValueSource(strings = {"redis-link", "stream-engine"})
    void theEngineAndTheLinkDontMentionCheckins(String module) throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("..", module, "src", "main"))) {
            List<Path> sources = files.filter(Files::isRegularFile).toList();
            assertThat(sources)
                    .isNotEmpty()
                    .allSatisfy(file -> assertThat(file).content().doesNotContainIgnoringCase("checkin"));
        }
    }
}
