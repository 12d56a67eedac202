package io.ncc.checkin.api.total;

import io.lettuce.core.Limit;
import io.lettuce.core.Range;
import io.ncc.checkin.model.IndexEntry;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.AtOnce;
import io.ncc.checkin.service.PartitionLinks;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import org.springframework.stereotype.Component;

/**
 * Finds users by their e-mail addresses; A to Z are the same as a to z. The entry of a user is in the user's partition, so all partitions are asked. A
 * partition that is away only matters if none of the others has the address.
 */
@Component
public final class EmailIndex {

    /** Of one address. Normally it has one, and older ones only if a program wrote users without the index. */
    private static final int MOST_ENTRIES = 10;

    private static final String EMAIL = "email";
    private static final FieldNames FIELDS = FieldNames.of(EMAIL);

    private final HashReader hashes;
    private final PartitionLinks redis;
    private final Partitions partitions;

    EmailIndex(HashReader hashes, PartitionLinks redis, Partitions partitions) {
        this.hashes = hashes;
        this.redis = redis;
        this.partitions = partitions;
    }

    /** The id of the user with this address; of several, the lowest. Fails if no partition has one, and one of them is away. */
    public CompletionStage<Optional<Long>> find(String address) {
        String email = IndexEntry.email(address);
        List<CompletableFuture<Optional<Long>>> answers = partitions.all().stream()
                .map(partition -> find(partition, email).toCompletableFuture())
                .toList();
        return CompletableFuture.allOf(answers.toArray(CompletableFuture[]::new))
                .handle((all, failure) -> {
                    Optional<Long> lowest = answers.stream()
                            .filter(answer -> !answer.isCompletedExceptionally())
                            .flatMap(answer -> answer.join().stream())
                            .min(Long::compare);
                    if (lowest.isEmpty() && failure != null) {
                        throw new CompletionException(failure);
                    }
                    return lowest;
                });
    }

    private CompletionStage<Optional<Long>> find(int partition, String email) {
        return ids(partition, email).thenCompose(ids -> firstThatIsRight(partition, email, ids));
    }

    /**
     * The ids that a partition has for an address, ascending. Another program may have changed a user since.
     *
     * @param email as {@link IndexEntry#email} makes it
     */
    public CompletionStage<List<Long>> ids(int partition, String email) {
        Range<String> range = Range.create(IndexEntry.of(email, 0), IndexEntry.of(email, Long.MAX_VALUE));
        return redis.of(partition)
                .<List<String>>send(commands ->
                        commands.zrangebylex(partitions.keys(partition).emails(), range, Limit.from(MOST_ENTRIES)))
                .thenApply(entries -> entries.stream()
                        .filter(entry -> IndexEntry.isOf(email, entry))
                        .flatMap(entry -> IndexEntry.id(entry).stream())
                        .toList());
    }

    private CompletionStage<Optional<Long>> firstThatIsRight(int partition, String email, List<Long> ids) {
        return AtOnce.ask(
                        ids,
                        id -> hashes.read(partition, partitions.keys(partition).user(id), FIELDS))
                .thenApply(users -> {
                    for (int i = 0; i < ids.size(); i++) {
                        String now = users.get(i).text(EMAIL);
                        if (now != null && IndexEntry.email(now).equals(email)) {
                            return Optional.of(ids.get(i));
                        }
                    }
                    return Optional.empty();
                });
    }
}
