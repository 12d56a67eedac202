package io.ncc.checkin.api.session;

import io.lettuce.core.KeyValue;
import io.ncc.checkin.api.total.EmailIndex;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ClientAddress;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.service.ProblemType;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.stereotype.Component;
import org.springframework.web.ErrorResponseException;

/**
 * Checks an e-mail address and a password. For an address that no user has, it sends the same commands and does the same work as for a wrong password, so
 * that neither the answer nor its time tells the two apart.
 */
@Component
final class Logins {

    /** No user has this id. It stands for the user whom an address doesn't have. */
    private static final long NOBODY = 0;

    private final Partitions partitions;
    private final PartitionLinks redis;
    private final EmailIndex index;
    private final PasswordChecks passwords;
    private final Attempts attempts;
    private final int mostOfAccount;
    private final int mostOfClient;

    Logins(
            Partitions partitions,
            PartitionLinks redis,
            EmailIndex index,
            PasswordChecks passwords,
            Attempts attempts,
            LoginProperties properties) {
        this.partitions = partitions;
        this.redis = redis;
        this.index = index;
        this.passwords = passwords;
        this.attempts = attempts;
        this.mostOfAccount = properties.failuresPerAccount();
        this.mostOfClient = properties.failuresPerClient();
    }

    /**
     * The id of the user. Fails with a problem: {@link ProblemType#LOGIN_REFUSED}, {@link ProblemType#TOO_MANY_REQUESTS} or
     * {@link ProblemType#LOGINS_BUSY}.
     *
     * @param client the address of the caller
     */
    CompletionStage<Long> userOf(String address, String password, String client) {
        String email = IndexEntry.email(address);
        String ofAccount = "account " + email;
        String ofClient = "client " + ClientAddress.of(client);
        return counted(ofClient, mostOfClient, () -> counted(ofAccount, mostOfAccount, () -> idOf(email, password)))
                .thenApply(id -> id.orElseThrow(Logins::refused));
    }

    /**
     * Counts an attempt before its check begins, so that concurrent attempts count, too. It goes on counting only if the password was checked and is wrong.
     */
    private CompletionStage<Optional<Long>> counted(
            String name, int limit, Supplier<CompletionStage<Optional<Long>>> check) {
        return attempts.count(name, limit)
                .thenCompose(wait -> wait.isZero() ? forgiving(name, check.get()) : failed(tooMany(wait)));
    }

    private CompletionStage<Optional<Long>> forgiving(String name, CompletionStage<Optional<Long>> checked) {
        return checked.handle((id, failure) -> failure == null && id.isEmpty()
                        ? checked
                        : attempts.forgive(name).thenCompose(done -> checked))
                .thenCompose(Function.identity());
    }

    /** Empty if there is no such user, or if it isn't their password. */
    private CompletionStage<Optional<Long>> idOf(String email, String password) {
        return idsOf(email)
                .thenCompose(ids -> userOf(email, ids))
                .thenCompose(user -> passwords
                        .matches(password, user.hash)
                        .thenApply(matches -> matches ? Optional.of(user.id) : Optional.empty()));
    }

    /** Fails if a partition is away: if only the users of the others could log in, it would show which addresses those are. */
    private CompletionStage<List<Long>> idsOf(String email) {
        return redis.ofAll(partition -> index.ids(partition, email)).thenApply(found -> {
            List<Long> ids = found.stream().flatMap(List::stream).sorted().toList();
            return ids.isEmpty() ? List.of(NOBODY) : ids;
        });
    }

    /** The first with a password. Normally there is one id; there are more after another program has changed an address. */
    private CompletionStage<User> userOf(String email, List<Long> ids) {
        CompletionStage<User> first = read(email, ids.get(0));
        return ids.size() == 1
                ? first
                : first.thenCompose(user -> user.hash != null
                        ? CompletableFuture.completedFuture(user)
                        : userOf(email, ids.subList(1, ids.size())));
    }

    private CompletionStage<User> read(String email, long id) {
        int partition = partitions.ofUser(id);
        return redis.of(partition)
                .<List<KeyValue<String, String>>>send(
                        commands -> commands.hmget(partitions.keys(partition).user(id), "email", "password"))
                .thenApply(values -> {
                    boolean isTheirs =
                            IndexEntry.email(values.get(0).getValueOrElse("")).equals(email);
                    return new User(id, isTheirs ? values.get(1).getValueOrElse(null) : null);
                });
    }

    /** @param hash null if there is none, or if it isn't that of a user with the address */
    private record User(long id, @Nullable String hash) {

        /** Without the hash. */
        @Override
        public String toString() {
            return "User[id=" + id + ']';
        }
    }

    private static ErrorResponseException refused() {
        ErrorResponseException problem = ProblemType.LOGIN_REFUSED.exception();
        problem.getHeaders().set(HttpHeaders.WWW_AUTHENTICATE, "Bearer");
        return problem;
    }

    private static ErrorResponseException tooMany(Duration wait) {
        ErrorResponseException problem = ProblemType.TOO_MANY_REQUESTS.exception(
                "Too many logins failed for this account or from this address. Try again later.");
        problem.getHeaders()
                .set(HttpHeaders.RETRY_AFTER, Long.toString(wait.plusMillis(999).toSeconds()));
        return problem;
    }

    private static <T> CompletionStage<T> failed(RuntimeException problem) {
        return CompletableFuture.failedFuture(problem);
    }
}
