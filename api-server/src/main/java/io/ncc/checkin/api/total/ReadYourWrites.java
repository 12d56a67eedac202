package io.ncc.checkin.api.total;

import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.checkin.EntryStatus;
import io.ncc.checkin.api.checkin.Settlement;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.Http11;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.function.Supplier;
import java.util.function.ToLongFunction;
import org.jspecify.annotations.Nullable;
import org.springframework.stereotype.Component;

/** Answers with a total only after a certain checkin is in it. */
@Component
final class ReadYourWrites {

    private static final Duration DEFAULT_WAIT = Duration.ofSeconds(2);

    private final Settlement settlement;
    private final Partitions partitions;
    private final Duration maxWait;

    ReadYourWrites(Settlement settlement, Partitions partitions, ApiProperties properties) {
        this.settlement = settlement;
        this.partitions = partitions;
        this.maxWait = properties.maxWait();
    }

    /**
     * @param after the id of a checkin
     * @param wait how long to wait for it
     * @param target whose total is asked for, of a checkin; it must be {@code id}
     */
    <T> CompletionStage<T> read(
            HttpServletRequest request,
            String after,
            @Nullable String wait,
            ToLongFunction<StoredCheckin> target,
            long id,
            Supplier<CompletionStage<T>> read) {
        CheckinId entry = Parameters.checkinId("after", after, partitions);
        Duration limit = Parameters.wait("wait", wait, maxWait, DEFAULT_WAIT);
        CompletableFuture<EntryStatus> applied = settlement.applied(entry, limit, status -> {
            if (status.checkin() != null && target.applyAsLong(status.checkin()) != id) {
                throw ProblemType.invalidParameter("after", "is a checkin of another user or location");
            }
        });
        Http11.whenGone(request, () -> applied.completeExceptionally(ProblemType.NOT_YET.exception()));
        return applied.thenCompose(status -> read.get());
    }
}
