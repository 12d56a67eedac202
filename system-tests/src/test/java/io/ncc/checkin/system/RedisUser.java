package io.ncc.checkin.system;

import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.StringCodec;
import io.lettuce.core.output.StatusOutput;
import io.lettuce.core.protocol.CommandArgs;
import io.lettuce.core.protocol.CommandType;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;

/**
 * A user of Redis with the rights that docs/operation.md gives it.
 *
 * @param selectors the rights, as the page writes them: those of the user itself, then those of each selector
 */
record RedisUser(String name, List<List<String>> selectors) {

    static final String PASSWORD = "secret";

    private static final Path PAGE = Path.of("..", "docs", "operation.md");
    private static final String LINE = "ACL SETUSER ";

    /** A right in one of the selectors. */
    record Right(int selector, String text) {}

    /**
     * Reads the rights of a service from the page.
     *
     * @param settings the comments of the lines that count, beside the lines without a comment
     */
    static RedisUser of(String service, String... settings) {
        List<List<String>> selectors = new ArrayList<>(List.of(new ArrayList<>()));
        for (String setting : settings) {
            if (page().stream().noneMatch(("# " + setting)::equals)) {
                throw new IllegalArgumentException("docs/operation.md has nothing of " + setting);
            }
        }
        String comment = "";
        for (String line : page()) {
            if (line.startsWith("```")) {
                comment = "";
            } else if (line.startsWith("# ")) {
                comment = line.substring(2);
            } else if (line.startsWith(LINE + service + ' ')
                    && (comment.isEmpty() || List.of(settings).contains(comment))) {
                String rules = line.substring(LINE.length() + service.length() + 1);
                if (rules.startsWith("(")) {
                    selectors.add(List.of(rules.substring(1, rules.length() - 1).split(" ")));
                } else {
                    List.of(rules.split(" ")).stream()
                            .filter(rule -> rule.startsWith("~") || rule.startsWith("+"))
                            .forEach(selectors.get(0)::add);
                }
            }
        }
        return new RedisUser(service, selectors);
    }

    private static List<String> page() {
        try {
            return Files.readAllLines(PAGE);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    RedisUser named(String other) {
        return new RedisUser(other, selectors);
    }

    List<Right> rights() {
        List<Right> rights = new ArrayList<>();
        for (int i = 0; i < selectors.size(); i++) {
            for (String text : selectors.get(i)) {
                rights.add(new Right(i, text));
            }
        }
        return rights;
    }

    RedisUser without(Right right) {
        List<List<String>> others = new ArrayList<>(selectors);
        others.set(
                right.selector,
                selectors.get(right.selector).stream()
                        .filter(text -> !text.equals(right.text))
                        .toList());
        return new RedisUser(name, others);
    }

    /** Without a right, in whatever selectors it is. */
    RedisUser without(String right) {
        return withEach(
                rights -> rights.stream().filter(text -> !text.equals(right)).toList());
    }

    /** With the keys of partitions, as the page says. */
    RedisUser partitioned() {
        return withEach(rights -> rights.stream()
                .map(right -> right.startsWith("~ncc:{") ? right : right.replace("~ncc:", "~ncc:{*}:"))
                .toList());
    }

    private RedisUser withEach(UnaryOperator<List<String>> change) {
        return new RedisUser(name, selectors.stream().map(change).toList());
    }

    /** Makes the user, or gives the one with this name these rights and no others. Its connections stay, and have them at once. */
    void put(RedisCommands<String, String> redis) {
        CommandArgs<String, String> args = new CommandArgs<>(StringCodec.UTF8)
                .add("SETUSER")
                .add(name)
                .add("reset")
                .add("on")
                .add(">" + PASSWORD);
        if (hasSelectors(redis)) {
            selectors.get(0).forEach(args::add);
            selectors.stream().skip(1).forEach(selector -> args.add("(" + String.join(" ", selector) + ")"));
        } else {
            rights().stream()
                    .map(Right::text)
                    .filter(right -> !right.equals("~ncc:*") && !right.equals("~ncc:{*}:*"))
                    .forEach(args::add);
        }
        redis.dispatch(CommandType.ACL, new StatusOutput<>(StringCodec.UTF8), args);
    }

    /** From 7.0 on. */
    static boolean hasSelectors(RedisCommands<String, String> redis) {
        return !redis.info("server").contains("redis_version:6.");
    }

    /** What the server has refused since the last {@code ACL LOG RESET}, but for what clients try on their own account. */
    static List<String> refusals(RedisCommands<String, String> redis) {
        return redis.aclLog().stream()
                .filter(entry ->
                        !List.of("client|setinfo", "client").contains(entry.get("object"))) // the latter by 6.2
                .map(entry -> entry.get("username") + " lacks the " + entry.get("reason") + ' ' + entry.get("object"))
                .toList();
    }
}
