package io.ncc.checkin.demo;

import io.ncc.checkin.service.security.Role;
import io.ncc.checkin.service.security.SecurityProperties.Token;
import io.ncc.checkin.service.security.TokenDigests;
import java.io.PrintWriter;
import java.security.SecureRandom;
import java.util.Base64;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** The command {@code token}. */
@Command(
        name = "token",
        mixinStandardHelpOptions = true,
        versionProvider = Version.class,
        description = {
            "Makes a random bearer token, and prints it with the settings that let it in.",
            "The services keep only its SHA-256. Nobody can show the token again."
        },
        exitCodeListHeading = "%nExit codes:%n",
        exitCodeList = {"0:made", "2:wrong usage"})
final class TokenCommand implements Callable<Integer> {

    private static final String PREFIX = "chk_"; // by which programs that look for lost secrets can know one
    private static final int RANDOM_BYTES = 32;

    @Spec
    @SuppressWarnings("NullAway.Init") // by picocli
    private CommandSpec spec;

    @Option(
            names = "--name",
            paramLabel = "NAME",
            description = "Who gets the token, ${DEFAULT-VALUE} by default: for limits and logs.")
    private String name = "client";

    @Option(
            names = "--roles",
            paramLabel = "ROLE",
            split = ",",
            description = "What it permits, ${DEFAULT-VALUE} by default: ${COMPLETION-CANDIDATES}.")
    private Set<Role> roles = EnumSet.of(Role.WRITE, Role.READ);

    @Option(names = "--user", paramLabel = "ID", description = "With the role own: the user whose checkins it permits.")
    private @Nullable Long user;

    @Override
    public Integer call() {
        byte[] random = new byte[RANDOM_BYTES];
        new SecureRandom().nextBytes(random);
        String token = PREFIX + Base64.getUrlEncoder().withoutPadding().encodeToString(random);
        Token settings;
        try {
            settings = new Token(name, TokenDigests.of(token), roles, user);
        } catch (IllegalArgumentException e) {
            throw new ParameterException(spec.commandLine(), e.getMessage(), e);
        }
        PrintWriter out = spec.commandLine().getOut();
        out.println(token);
        out.println();
        print(out, "name", settings.name());
        print(out, "sha256", settings.sha256());
        print(out, "roles", roles.stream().map(Role::label).collect(Collectors.joining(",")));
        if (user != null) {
            print(out, "user", user.toString());
        }
        out.flush();
        return 0;
    }

    private static void print(PrintWriter out, String name, String value) {
        out.println("checkin.security.tokens[0]." + name + '=' + value);
    }
}
