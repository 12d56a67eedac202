package io.ncc.checkin.api.session;

import io.ncc.checkin.service.ProblemType;
import java.util.List;
import java.util.Locale;
import java.util.NavigableSet;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.springframework.beans.factory.DisposableBean;
import org.springframework.security.crypto.bcrypt.BCrypt;
import org.springframework.stereotype.Component;

/**
 * Verifies passwords, in threads of its own: half as many as there are processors, so that logins leave the others to requests. Every check verifies one hash
 * of each cost that a hash has had so far, so all checks take the same time, also without a hash.
 */
@Component
final class PasswordChecks implements DisposableBean {

    static final int LEAST_COST = 4;

    /** A check then takes some four seconds. */
    static final int HIGHEST_COST = 16;

    private static final Pattern BCRYPT = Pattern.compile("\\$2[aby]\\$(\\d\\d)\\$[./A-Za-z0-9]{53}");

    /** Checks that wait for each thread; at the default cost the last one waits for about two seconds. */
    private static final int MOST_WAITING = 32;

    private final ThreadPoolExecutor threads;

    /** Of the setting, and of the hashes so far. */
    private final NavigableSet<Integer> costs = new ConcurrentSkipListSet<>();

    PasswordChecks(LoginProperties properties) {
        int count = Math.max(1, Runtime.getRuntime().availableProcessors() / 2);
        threads = new ThreadPoolExecutor(
                count, count, 1, TimeUnit.MINUTES, new ArrayBlockingQueue<>(count * MOST_WAITING), work -> {
                    Thread thread = new Thread(work, "password-check");
                    thread.setDaemon(true);
                    return thread;
                });
        threads.allowCoreThreadTimeOut(true);
        costs.add(properties.passwordCost());
    }

    /**
     * Completes with whether it is the password of the hash. Fails with {@link ProblemType#LOGINS_BUSY} if too many wait already.
     *
     * @param hash null if there is none; one that isn't of bcrypt, or of a cost out of range, matches no password
     */
    CompletionStage<Boolean> matches(String password, @Nullable String hash) {
        try {
            return CompletableFuture.supplyAsync(() -> check(password, hash), threads);
        } catch (RejectedExecutionException e) {
            return CompletableFuture.failedFuture(ProblemType.LOGINS_BUSY.exception());
        }
    }

    private boolean check(String password, @Nullable String hash) {
        boolean matches = false;
        for (String each : work(hash)) {
            matches |= BCrypt.checkpw(password, each) && each.equals(hash);
        }
        return matches;
    }

    /** The hashes to verify: one of each cost, which is the given one or a decoy. */
    List<String> work(@Nullable String hash) {
        int own = costOf(hash);
        if (own != 0) {
            costs.add(own);
        }
        return costs.stream()
                .map(cost -> hash != null && cost == own ? hash : decoy(cost))
                .toList();
    }

    /** 0 if it can't be verified. */
    private static int costOf(@Nullable String hash) {
        Matcher matcher = BCRYPT.matcher(hash == null ? "" : hash);
        int found = matcher.matches() ? Integer.parseInt(matcher.group(1)) : 0;
        return found >= LEAST_COST && found <= HIGHEST_COST ? found : 0;
    }

    private static String decoy(int cost) {
        return String.format(Locale.ROOT, "$2a$%02d$kX9mTqv0hZ3uYbW7cR5dNeP1sL8gJ4fA6iO2wEzQyVxUtBnMrKjHG", cost);
    }

    @Override
    public void destroy() {
        threads.shutdownNow();
    }
}
