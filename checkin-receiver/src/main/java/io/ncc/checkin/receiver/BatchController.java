package io.ncc.checkin.receiver;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RestController;

/** Takes many checkins in one request, and appends them in chunks while they arrive. */
@RestController
final class BatchController {

    /** A part of the contract: a chunk is stored under the key of its number, so that a repeated batch goes on where it broke off. */
    static final int CHUNK = 500;

    /** What a batch takes beside its results and the longest line, in bytes: buffers, and the checkins of a chunk. */
    private static final int MEMORY = 64 * 1024;

    private static final int MEMORY_OF_RESULT = 160;

    private final Appenders appenders;
    private final ReceiverProperties properties;
    private final RequestMemory memory;

    BatchController(Appenders appenders, ReceiverProperties properties, RequestMemory memory) {
        this.appenders = appenders;
        this.properties = properties;
        this.memory = memory;
    }

    @PostMapping(
            path = "/checkins/batch",
            consumes = {
                MediaType.APPLICATION_JSON_VALUE,
                MediaType.APPLICATION_NDJSON_VALUE,
                // other names of the same form, none of them registered
                "application/ndjson",
                "application/jsonl",
                "application/x-jsonl",
                "application/jsonlines",
                "application/x-jsonlines"
            },
            produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<BatchAnswer> post(HttpServletRequest request) throws IOException {
        String idempotencyKey = IdempotencyKey.of(request);
        boolean gzip = ContentCoding.isGzip(request);
        Turn turn = new Turn(LimitedBody.of(request, properties.maxBatchSize(), properties.bodyTimeout()));
        Batch batch = new Batch(
                Caller.of(request),
                idempotencyKey,
                memory.claimOfBatch(request, MEMORY + properties.maxBodySize().toBytes()),
                turn);
        ErrorResponseException cutOffBy = null;
        try (InputStream body = gzip ? gunzipped(turn) : turn) {
            batch.readAll(reader(request, body));
        } catch (ErrorResponseException problem) {
            cutOffBy = problem;
        }
        BatchAnswer answer = batch.answer(cutOffBy);
        if (cutOffBy != null && !batch.mayBeStored()) {
            throw cutOffBy;
        }
        if (batch.refusal != null && batch.refusedByPartitions == answer.results.size()) {
            throw batch.refusal;
        }
        return ResponseEntity.status(
                        answer.refused == 0 && cutOffBy == null ? HttpStatus.ACCEPTED : HttpStatus.MULTI_STATUS)
                .body(answer);
    }

    private BatchReader reader(HttpServletRequest request, InputStream body) {
        int longest = Math.toIntExact(properties.maxBodySize().toBytes());
        boolean array = MediaType.APPLICATION_JSON.isCompatibleWith(MediaType.parseMediaType(request.getContentType()));
        return array ? new BatchReader.OfArray(body, longest) : new BatchReader.OfLines(body, longest);
    }

    private InputStream gunzipped(InputStream body) {
        return new LimitedBody(
                new GunzippedBody(body), properties.maxBatchSize().toBytes());
    }

    /** A batch on its way in. */
    private final class Batch {

        private final @Nullable Caller caller;
        private final @Nullable String idempotencyKey;
        private final RequestMemory.Claim memory;
        private final Turn turn;
        private final List<Result> results = new ArrayList<>();
        private final List<Checkin> chunk = new ArrayList<>(CHUNK);
        private int chunks;
        private int accepted;
        private @Nullable ErrorResponseException refusal;
        private int refusedByPartitions;

        /** By partition: one that refused its share of a chunk gets no more, or a user's later checkins would be stored before earlier ones. */
        private final Map<Integer, ErrorResponseException> refusals = new HashMap<>();

        /** Of the results, those of the chunk are yet to come, from this one on. */
        private int chunkFrom;

        Batch(@Nullable Caller caller, @Nullable String idempotencyKey, RequestMemory.Claim memory, Turn turn) {
            this.caller = caller;
            this.idempotencyKey = idempotencyKey;
            this.memory = memory;
            this.turn = turn;
        }

        /** @throws ErrorResponseException a problem, because of which the rest was not taken */
        void readAll(BatchReader reader) throws IOException {
            boolean more = true;
            while (more) {
                try {
                    more = readNext(reader);
                } catch (BrokenRequestException problem) {
                    throw problem;
                } catch (ErrorResponseException problem) {
                    // under a key only whole chunks: a part of one would be a mismatch when the batch is repeated
                    if (idempotencyKey == null) {
                        storeChunk();
                    }
                    throw problem;
                }
                if (chunk.size() == CHUNK || !more) {
                    storeChunk();
                }
            }
        }

        private boolean readNext(BatchReader reader) throws IOException {
            Checkin checkin = null;
            Result result = Result.TO_COME;
            try {
                checkin = reader.next();
                if (checkin == null) {
                    return false;
                }
            } catch (InvalidCheckinException e) {
                result = Result.invalid(e.errors());
            }
            ErrorResponseException refusal = checkin == null ? null : OwnCheckins.refusal(caller, checkin);
            if (refusal != null) {
                checkin = null;
                result = Result.refused(refusal);
            }
            if (results.size() == properties.maxBatchEntries()) {
                throw ProblemType.CONTENT_TOO_LARGE.exception(
                        "A batch may have at most " + properties.maxBatchEntries() + " checkins.");
            }
            memory.grow(result.memory());
            results.add(result);
            if (checkin != null) {
                chunk.add(checkin);
            }
            return true;
        }

        /** @throws ErrorResponseException a problem, if there is one partition and it refuses the chunk */
        private void storeChunk() {
            if (!chunk.isEmpty()) {
                String key = idempotencyKey == null ? null : idempotencyKey + ':' + chunks;
                Map<Integer, Share> shares = shares();
                refusals.forEach((partition, problem) -> refuseUnsent(shares.remove(partition), problem));
                Collection<Share> sent = shares.values();
                sent.forEach(share -> share.send(key));
                turn.between(() -> Share.all(sent).join());
                shares.forEach(this::take);
                chunks++;
                chunk.clear();
            }
            chunkFrom = results.size();
        }

        /** The chunk by partition. */
        private Map<Integer, Share> shares() {
            Map<Integer, Share> shares = new TreeMap<>();
            int place = chunkFrom;
            for (Checkin checkin : chunk) {
                while (!results.get(place).equals(Result.TO_COME)) {
                    place++;
                }
                shares.computeIfAbsent(appenders.partitionOf(checkin), partition -> new Share(appenders.of(partition)))
                        .add(checkin, place++);
            }
            return shares;
        }

        /** Counts no memory, because a refusal here would leave what is stored without its results. */
        private void take(int partition, Share share) {
            try {
                take(share.results());
            } catch (ErrorResponseException problem) {
                if (appenders.count() == 1) {
                    throw problem;
                }
                refusals.put(partition, problem);
                if (refusal == null || isOutcomeUnknown(problem)) {
                    refusal = problem;
                }
                refuse(share, problem);
            }
        }

        /** @param share null if the partition has none of the chunk */
        private void refuseUnsent(@Nullable Share share, ErrorResponseException problem) {
            if (share != null) {
                share.countRefused(problem);
                refuse(share, problem);
            }
        }

        private void refuse(Share share, ErrorResponseException problem) {
            share.places().forEach(place -> results.set(place, Result.refused(problem)));
            refusedByPartitions += share.size();
        }

        private void take(Map<Integer, Result> some) {
            accepted += (int) some.values().stream().filter(Result::isStored).count();
            some.forEach(results::set);
        }

        /** If all partitions refuse and one doesn't know, the whole may be stored in part. */
        private static boolean isOutcomeUnknown(ErrorResponseException problem) {
            return ProblemType.of(problem) == ProblemType.OUTCOME_UNKNOWN;
        }

        /** Whether a part of it is stored, or is perhaps. */
        boolean mayBeStored() {
            return accepted > 0 || (refusal != null && isOutcomeUnknown(refusal));
        }

        BatchAnswer answer(@Nullable ErrorResponseException cutOffBy) {
            return new BatchAnswer(
                    accepted,
                    chunkFrom - accepted,
                    results.subList(0, chunkFrom),
                    cutOffBy == null ? null : cutOffBy.getBody());
        }
    }

    /** What a partition gets of a chunk. */
    private static final class Share {

        private final CheckinAppender appender;
        private final List<Checkin> checkins = new ArrayList<>();
        private final List<Integer> places = new ArrayList<>();
        private CompletableFuture<List<IdRun>> appended = new CompletableFuture<>();

        Share(CheckinAppender appender) {
            this.appender = appender;
        }

        /** @param place of its result */
        void add(Checkin checkin, int place) {
            checkins.add(checkin);
            places.add(place);
        }

        int size() {
            return checkins.size();
        }

        List<Integer> places() {
            return places;
        }

        void countRefused(ErrorResponseException problem) {
            appender.countRefused(size(), problem);
        }

        void send(@Nullable String idempotencyKey) {
            appended = appender.append(checkins, idempotencyKey).toCompletableFuture();
        }

        /** Completes when all have been sent and answered, however. */
        static CompletableFuture<?> all(Collection<Share> shares) {
            return CompletableFuture.allOf(
                            shares.stream().map(share -> share.appended).toArray(CompletableFuture[]::new))
                    .handle((done, failure) -> shares.size());
        }

        /**
         * The results, by their places.
         *
         * @throws ErrorResponseException a problem, if the partition refuses them
         */
        Map<Integer, Result> results() {
            try {
                Map<Integer, Result> byPlace = new HashMap<>();
                Result repeat = Result.refused(ProblemType.REPEAT.exception());
                int next = 0;
                for (IdRun run : appended.join()) {
                    for (int i = 0; i < run.count(); i++, next++) {
                        byPlace.put(
                                places.get(next),
                                run.isRefused() ? repeat : Result.stored(appender.idOutside(run.get(i))));
                    }
                }
                return byPlace;
            } catch (CompletionException e) {
                throw e.getCause() instanceof ErrorResponseException problem ? problem : new IllegalStateException(e);
            }
        }
    }

    /**
     * What became of a batch.
     *
     * @param accepted how many checkins are stored
     * @param refused how many are none, are repeats, or were refused by their partition or for their user
     * @param results one for each checkin, in their order; fewer if the batch was cut off, and then those after them are not stored
     * @param problem why the batch was cut off; if it is outcome-unknown, up to 500 checkins after the results may be stored
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record BatchAnswer(
            int accepted,
            int refused,
            List<Result> results,
            @Nullable ProblemDetail problem) {}

    /** The id of a checkin that is stored; or what is wrong with it; or why it was refused. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Result(
            @Nullable String id,
            @Nullable List<InvalidMember> errors,
            @Nullable ProblemDetail problem) {

        private static final Result TO_COME = new Result(null, null, null);

        static Result stored(String id) {
            return new Result(id, null, null);
        }

        static Result invalid(List<InvalidMember> errors) {
            return new Result(null, errors, null);
        }

        static Result refused(ErrorResponseException problem) {
            return new Result(null, null, problem.getBody());
        }

        boolean isStored() {
            return id != null;
        }

        /** About what it takes, in bytes. An id that is to come counts already, and takes more than a refusal, whose problem is shared. */
        int memory() {
            int bytes = MEMORY_OF_RESULT * (problem == null ? 1 : 2);
            if (errors != null) {
                for (InvalidMember error : errors) {
                    // the name of an unknown member is as long as the client likes
                    bytes += MEMORY_OF_RESULT + error.pointer().length() * Character.BYTES;
                }
            }
            return bytes;
        }
    }
}
