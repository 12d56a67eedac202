package io.ncc.checkin;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.function.Function;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.springframework.context.annotation.Configuration;

/** What the modules and packages keep to. Each rule is also shown to fail, on the classes of the package {@code broken}. */
final class ArchitectureTest {

    private static final String PRODUCT = "io.ncc.checkin";
    private static final String BROKEN = "io.ncc.checkin.broken";

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
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".model..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage("org.springframework..", "io.lettuce..", "tools.jackson..")),
                new Rule(
                        "services don't depend on each other",
                        root -> slices().matching(root + ".(receiver|processor|api)..")
                                .should()
                                .notDependOnEachOther()),
                new Rule(
                        "what the services share knows none of them, and no checkin",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".service..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAnyPackage(
                                        root + ".model..",
                                        root + ".receiver..",
                                        root + ".processor..",
                                        root + ".api..")),
                new Rule(
                        "the engine doesn't know what is made of an entry",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + ".processor.engine..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage(root + ".processor")
                                .orShould()
                                .dependOnClassesThat()
                                .haveSimpleNameStartingWith("Checkin")),
                new Rule(
                        "there is one JSON library, Jackson 3",
                        root -> noClasses()
                                .that()
                                .resideInAPackage(root + "..")
                                .should()
                                .dependOnClassesThat()
                                .resideInAPackage("com.fasterxml.jackson.databind..")),
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
            "model", "service", "localredis", "receiver", "processor", "processor.engine", "api", "demo"
        }) {
            assertThat(PRODUCT_CLASSES.stream().map(found -> found.getPackageName()))
                    .contains(PRODUCT + "." + module);
        }
    }
}
