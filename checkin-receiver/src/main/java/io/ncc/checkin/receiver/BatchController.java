package io.ncc.checkin.receiver;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.ArraySchema;
import io.swagger.v3.oas.annotations.media.Content;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.parameters.RequestBody;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import jakarta.servlet.http.HttpServletRequest;
import java.io.IOException;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpHeaders;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ProblemDetail;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestHeader;
import org.springframework.web.bind.annotation.RestController;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.json.JsonMapper;

/** Takes many checkins in one request, and appends them in chunks while they arrive. */
@RestController
@Tag(name = "Checkins")
final class BatchController {

    /** A part of the contract: a chunk is stored under the key of its number, so that a repeated batch goes on where it broke off. */
    static final int CHUNK = 500;

    private static final String GZIP = "gzip";

    private final CheckinAppender appender;
    private final Keys keys;
    private final ReceiverProperties properties;
    private final ObjectReader reader;

    BatchController(CheckinAppender appender, Keys keys, ReceiverProperties properties, JsonMapper mapper) {
        this.appender = appender;
        this.keys = keys;
        this.properties = properties;
        this.reader = mapper.readerFor(CheckinRequest.class);
    }

    @Operation(
            summary = "Takes many checkins; each is stored on its own",
            requestBody =
                    @RequestBody(
                            description =
                                    "A JSON array, or a JSON object on each line; Content-Encoding gzip is allowed",
                            content = {
                                @Content(
                                        mediaType = MediaType.APPLICATION_JSON_VALUE,
                                        array = @ArraySchema(schema = @Schema(implementation = CheckinRequest.class))),
                                @Content(
                                        mediaType = MediaType.APPLICATION_NDJSON_VALUE,
                                        schema = @Schema(implementation = CheckinRequest.class))
                            }))
    @ApiResponse(responseCode = "202", description = "All are stored")
    @ApiResponse(responseCode = "207", description = "Some are stored; the results say which")
    @ApiResponse(responseCode = "400", ref = "400")
    @ApiResponse(responseCode = "408", ref = "408")
    @ApiResponse(responseCode = "413", ref = "413")
    @ApiResponse(responseCode = "415", ref = "415")
    @ApiResponse(responseCode = "422", ref = "422")
    @ApiResponse(responseCode = "429", ref = "429")
    @ApiResponse(responseCode = "503", ref = "503")
    @PostMapping(
            path = "/checkins/batch",
            consumes = {MediaType.APPLICATION_JSON_VALUE, MediaType.APPLICATION_NDJSON_VALUE},
            produces = MediaType.APPLICATION_JSON_VALUE)
    ResponseEntity<BatchAnswer> post(
            @Parameter(description = "Sent again with the same key, each checkin is stored once")
                    @RequestHeader(name = IdempotencyKey.HEADER, required = false)
                    @Nullable
                    String idempotencyKey,
            @Parameter(hidden = true) HttpServletRequest request)
            throws IOException {
        IdempotencyKey.requireValid(idempotencyKey);
        Batch batch = new Batch(idempotencyKey);
        ErrorResponseException cutOffBy = null;
        try (InputStream body = body(request)) {
            batch.readAll(reader(request, body));
        } catch (ErrorResponseException problem) {
            cutOffBy = problem;
        }
        BatchAnswer answer = batch.answer(cutOffBy);
        if (cutOffBy != null && answer.accepted == 0) {
            throw cutOffBy;
        }
        return ResponseEntity.status(
                        answer.refused == 0 && cutOffBy == null ? HttpStatus.ACCEPTED : HttpStatus.MULTI_STATUS)
                .body(answer);
    }

    private BatchReader reader(HttpServletRequest request, InputStream body) {
        boolean lines =
                MediaType.parseMediaType(request.getContentType()).isCompatibleWith(MediaType.APPLICATION_NDJSON);
        int longestLine = Math.toIntExact(properties.maxBodySize().toBytes());
        return lines ? new BatchReader.OfLines(body, reader, longestLine) : new BatchReader.OfArray(body, reader);
    }

    private InputStream body(HttpServletRequest request) throws IOException {
        InputStream sent = LimitedBody.of(request, properties.maxBatchSize(), properties.bodyTimeout());
        String encoding = request.getHeader(HttpHeaders.CONTENT_ENCODING);
        if (encoding == null) {
            return sent;
        }
        if (!encoding.equalsIgnoreCase(GZIP)) {
            ErrorResponseException problem =
                    ProblemType.UNSUPPORTED_MEDIA_TYPE.exception("A body may only be encoded with gzip.");
            problem.getHeaders().set(HttpHeaders.ACCEPT_ENCODING, GZIP);
            throw problem;
        }
        return new LimitedBody(GunzippedBody.of(sent), properties.maxBatchSize().toBytes(), properties.bodyTimeout());
    }

    /** A batch on its way in. */
    private final class Batch {

        private final @Nullable String idempotencyKey;
        private final List<Result> results = new ArrayList<>();
        private final List<Checkin> chunk = new ArrayList<>(CHUNK);
        private int chunks;
        private int accepted;

        /** Of the results, those of the chunk are yet to come, from this one on. */
        private int chunkFrom;

        Batch(@Nullable String idempotencyKey) {
            this.idempotencyKey = idempotencyKey;
        }

        /** @throws ErrorResponseException a problem, because of which the rest was not taken */
        void readAll(BatchReader reader) throws IOException {
            boolean more = true;
            while (more) {
                try {
                    more = readNext(reader);
                } catch (BrokenRequestException problem) {
                    throw problem; // nobody will learn of what is read and not stored yet
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
                result = new Result(null, e.errors());
            }
            if (results.size() == properties.maxBatchEntries()) {
                throw ProblemType.CONTENT_TOO_LARGE.exception(
                        "A batch may have at most " + properties.maxBatchEntries() + " checkins.");
            }
            results.add(result);
            if (checkin != null) {
                chunk.add(checkin);
            }
            return true;
        }

        private void storeChunk() {
            if (!chunk.isEmpty()) {
                String key = idempotencyKey == null ? null : keys.idempotency(idempotencyKey + ':' + chunks);
                List<IdRun> ids = appender.appendAndWait(List.copyOf(chunk), key);
                int next = chunkFrom;
                for (IdRun run : ids) {
                    for (int i = 0; i < run.count(); i++, next++) {
                        while (!results.get(next).equals(Result.TO_COME)) {
                            next++;
                        }
                        results.set(next, new Result(run.get(i).toString(), null));
                    }
                }
                accepted += chunk.size();
                chunks++;
                chunk.clear();
            }
            chunkFrom = results.size();
        }

        BatchAnswer answer(@Nullable ErrorResponseException cutOffBy) {
            return new BatchAnswer(
                    accepted,
                    chunkFrom - accepted,
                    results.subList(0, chunkFrom),
                    cutOffBy == null ? null : cutOffBy.getBody());
        }
    }

    /**
     * What became of a batch.
     *
     * @param accepted how many checkins are stored
     * @param refused how many are none
     * @param results one for each checkin, in their order; fewer if the batch was cut off, and then those after them are not stored
     * @param problem why the batch was cut off; if it is outcome-unknown, up to 500 checkins after the results may be stored
     */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record BatchAnswer(
            int accepted,
            int refused,
            List<Result> results,
            @Nullable ProblemDetail problem) {}

    /** The id of a checkin that is stored, or what is wrong with it. */
    @JsonInclude(JsonInclude.Include.NON_NULL)
    record Result(
            @Schema(example = "1609602085397-0") @Nullable String id,
            @Nullable List<InvalidMember> errors) {

        private static final Result TO_COME = new Result(null, null);
    }
}
