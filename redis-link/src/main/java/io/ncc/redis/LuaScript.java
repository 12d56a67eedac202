package io.ncc.redis;

import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.api.async.RedisAsyncCommands;
import io.lettuce.core.api.sync.RedisCommands;
import io.lettuce.core.codec.Base16;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;

/**
 * A Lua script, run by its digest (EVALSHA). If the server doesn't have it cached, after a restart, SCRIPT FLUSH or failover, the script is run by
 * its source (EVAL).
 */
public final class LuaScript {

    private final String source;
    private final String digest;

    private LuaScript(String source) {
        this.source = source;
        this.digest = digest(source);
    }

    /**
     * Reads a script from the class path of its owner.
     *
     * @param names the files {@code lua/<name>.lua}, which are concatenated in this order; files with shared functions come first
     */
    public static LuaScript of(Class<?> owner, String... names) {
        StringBuilder source = new StringBuilder();
        for (String name : names) {
            source.append(read(owner, "/lua/" + name + ".lua")).append('\n');
        }
        return new LuaScript(source.toString());
    }

    private static String read(Class<?> owner, String path) {
        try (InputStream in = owner.getResourceAsStream(path)) {
            if (in == null) {
                throw new IllegalArgumentException(path + " is not on the class path");
            }
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String digest(String source) {
        try {
            byte[] sha1 = MessageDigest.getInstance("SHA-1").digest(source.getBytes(StandardCharsets.UTF_8));
            return new String(Base16.encode(sha1, false));
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-1", e);
        }
    }

    /**
     * Makes the server cache the script, so that a transaction can run it by its {@link #digest}. {@link #run} needs no such preparation, but can't be
     * used inside a transaction.
     */
    public void load(RedisCommands<String, String> commands) {
        commands.scriptLoad(source);
    }

    /** The script's SHA-1, in hexadecimal digits. */
    public String digest() {
        return digest;
    }

    /** Runs the script. {@code T} is the type that Lettuce returns for {@code output}, such as {@code List<Object>} for {@code MULTI}. */
    public <T> CompletionStage<T> run(
            RedisAsyncCommands<String, String> commands, ScriptOutputType output, String[] keys, String[] args) {
        CompletionStage<T> firstTry = commands.evalsha(digest, output, keys, args);
        return firstTry.exceptionallyCompose(failure -> RedisCondition.of(failure) == RedisCondition.NO_SCRIPT
                ? commands.<T>eval(source, output, keys, args) // not SCRIPT LOAD, EVALSHA: a flush may come between
                : CompletableFuture.failedFuture(failure));
    }
}
