package io.ncc.checkin.system;

import static org.awaitility.Awaitility.await;

import io.lettuce.core.api.sync.RedisCommands;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.UUID;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The commands that the users of a Redis have run, including those of their scripts. It comes from MONITOR, which doesn't show administrative commands, such as
 * CONFIG and CLIENT UNBLOCK.
 */
final class CommandLog implements AutoCloseable {

    private static final Duration LIMIT = Duration.ofSeconds(10);
    private static final Duration CLIENTS_EVERY = Duration.ofMillis(2);
    private static final String BEFORE_LOGIN = "default";
    private static final Pattern LINE = Pattern.compile("\\+[0-9.]+ \\[[0-9]+ (\\S+)] (.*)");
    private static final Pattern CLIENT = Pattern.compile("\\baddr=(\\S+) .*\\buser=(\\S+)");

    private final RedisCommands<String, String> redis;
    private final Socket socket;
    private final Map<String, String> users = new ConcurrentHashMap<>(); // by address
    private final Map<String, Set<List<String>>> commands = new ConcurrentHashMap<>(); // by user
    private String caller = ""; // of the last script

    /** @param port for connections without TLS */
    CommandLog(int port, RedisCommands<String, String> redis) {
        this.redis = redis;
        try {
            socket = new Socket(InetAddress.getLoopbackAddress(), port);
            socket.getOutputStream().write("MONITOR\r\n".getBytes(StandardCharsets.US_ASCII));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        inBackground("monitor", this::read);
        inBackground("clients", this::noteClients);
        awaitAll();
    }

    private static void inBackground(String name, Runnable task) {
        Thread thread = new Thread(task, name);
        thread.setDaemon(true);
        thread.start();
    }

    /** Asks all the time, because MONITOR doesn't show the user, and some connections are gone when their commands are read here. */
    private void noteClients() {
        while (!socket.isClosed()) {
            noteClientsNow();
            LockSupport.parkNanos(CLIENTS_EVERY.toNanos());
        }
    }

    private void noteClientsNow() {
        Matcher client = CLIENT.matcher(redis.clientList());
        while (client.find()) {
            users.put(client.group(1), client.group(2));
        }
    }

    private void read() {
        try (BufferedReader lines =
                new BufferedReader(new InputStreamReader(socket.getInputStream(), StandardCharsets.ISO_8859_1))) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Matcher parts = LINE.matcher(line);
                if (parts.matches()) {
                    add(parts.group(1), arguments(parts.group(2)));
                }
            }
        } catch (IOException closed) {
            // by the test
        }
    }

    private void add(String source, List<String> command) {
        String name = command.get(0).toLowerCase(Locale.ROOT);
        if (name.equals("hello") || name.equals("auth")) {
            return; // needs no right
        }
        String user = source.equals("lua") ? caller : userAt(source);
        if (name.startsWith("eval")) {
            caller = user;
        }
        commands.computeIfAbsent(user, unused -> ConcurrentHashMap.newKeySet()).add(command);
    }

    private String userAt(String address) {
        if (users.getOrDefault(address, BEFORE_LOGIN).equals(BEFORE_LOGIN)) {
            noteClientsNow();
        }
        return users.getOrDefault(address, "unknown");
    }

    /** Reads what MONITOR has put in quotes and escaped. */
    private static List<String> arguments(String text) {
        List<String> arguments = new ArrayList<>();
        StringBuilder argument = new StringBuilder();
        for (int i = 1; i < text.length(); i++) { // after the first quote
            char c = text.charAt(i);
            if (c == '"') {
                arguments.add(argument.toString());
                argument.setLength(0);
                i += 2; // a space and the next quote
            } else if (c != '\\') {
                argument.append(c);
            } else if (text.charAt(i + 1) == 'x') {
                argument.append((char) Integer.parseInt(text, i + 2, i + 4, 16));
                i += 3;
            } else {
                int known = "nrtab".indexOf(text.charAt(++i));
                argument.append(known < 0 ? text.charAt(i) : "\n\r\t\u0007\b".charAt(known));
            }
        }
        return arguments;
    }

    /** What a user has run, each once. */
    Set<List<String>> of(String user) {
        awaitAll();
        return Set.copyOf(commands.getOrDefault(user, Set.of()));
    }

    /** Waits until what the server has done so far is here. */
    private void awaitAll() {
        String mark = UUID.randomUUID().toString();
        await().atMost(LIMIT).pollInterval(Duration.ofMillis(10)).until(() -> {
            redis.echo(mark);
            return commands.values().stream().anyMatch(seen -> seen.contains(List.of("ECHO", mark)));
        });
    }

    @Override
    public void close() {
        try {
            socket.close();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
