package io.ncc.checkin.api.pull;

import io.lettuce.core.RedisException;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.RedisCondition;
import io.ncc.redis.StreamId;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.PutMapping;
import org.springframework.web.bind.annotation.RequestBody;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

@RestController
@RequestMapping(path = "/groups/{group}", produces = MediaType.APPLICATION_JSON_VALUE)
@Tag(name = "Pulling")
@ApiResponse(responseCode = "400", ref = "400")
@ApiResponse(responseCode = "409", ref = "409")
@ApiResponse(responseCode = "503", ref = "503")
final class PullController {

    private static final int MAX_COUNT = 1000;
    private static final int DEFAULT_COUNT = 100;

    private final PullGroups groups;
    private final Duration maxWait;

    PullController(PullGroups groups, ApiProperties properties) {
        this.groups = groups;
        this.maxWait = properties.maxWait();
    }

    @Operation(
            summary = "Makes a consumer group of one's own",
            description =
                    "Each group sees every entry, shared out among its consumers. The stream keeps entries that a group has not acknowledged, up to"
                            + " 80 % of its length limit: remove a group that is no longer used.")
    @ApiResponse(responseCode = "201", description = "It was made")
    @ApiResponse(responseCode = "200", description = "There is one already, and it stays where it is")
    @PutMapping
    ResponseEntity<Void> create(
            @PathVariable String group,
            @Parameter(description = "0: all entries that are there; $: new ones, as without it; an id: those after it")
                    @RequestParam(required = false)
                    @Nullable
                    String from) {
        requireForeign(group);
        return ResponseEntity.status(groups.create(group, start(from)) ? HttpStatus.CREATED : HttpStatus.OK)
                .build();
    }

    private static String start(@Nullable String from) {
        if (from == null) {
            return "$";
        }
        return from.equals("0") || from.equals("$")
                ? from
                : Parameters.streamId("from", from).toString();
    }

    @Operation(summary = "Removes a consumer group")
    @ApiResponse(responseCode = "204", description = "It is gone")
    @ApiResponse(responseCode = "404", ref = "404")
    @DeleteMapping
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void remove(@PathVariable String group) {
        requireForeign(group);
        try {
            if (!groups.remove(group)) {
                throw noGroup();
            }
        } catch (RedisException e) {
            throw noGroupOr(e);
        }
    }

    @Operation(
            summary = "Reads the next checkins as a consumer of the group",
            description =
                    "Checkins that a consumer has held for too long without acknowledging them are given to whoever pulls next, so with ack=manual"
                            + " each is seen at least once. With ack=auto they are acknowledged as they are read: at most once, as an answer"
                            + " may get lost.")
    @ApiResponse(responseCode = "200")
    @ApiResponse(responseCode = "404", ref = "404")
    @PostMapping("/consumers/{consumer}/pull")
    CompletableFuture<Pulled> pull(
            @PathVariable String group,
            @PathVariable String consumer,
            @Parameter(schema = @Schema(type = "integer", minimum = "1", maximum = "1000", defaultValue = "100"))
                    @RequestParam(required = false)
                    @Nullable
                    String count,
            @Parameter(description = "how long to wait for the first one, such as 500ms or 2s; not at all if not given")
                    @RequestParam(required = false)
                    @Nullable
                    String wait,
            @Parameter(
                            schema =
                                    @Schema(
                                            allowableValues = {"auto", "manual"},
                                            defaultValue = "manual"))
                    @RequestParam(required = false)
                    @Nullable
                    String ack) {
        requireForeign(group);
        Parameters.name("consumer", consumer);
        int most = Parameters.count("count", count, 1, MAX_COUNT, DEFAULT_COUNT);
        Duration patience = Parameters.wait("wait", wait, maxWait, Duration.ZERO);
        if (ack != null && !ack.equals("auto") && !ack.equals("manual")) {
            throw ProblemType.invalidParameter("ack", "must be auto or manual");
        }
        return groups.pull(group, consumer, most, patience, "auto".equals(ack)).handle((items, failure) -> {
            if (failure != null) {
                throw noGroupOr(failure);
            }
            return new Pulled(items);
        });
    }

    @Operation(summary = "Acknowledges checkins that were pulled")
    @ApiResponse(responseCode = "200")
    @PostMapping(path = "/ack", consumes = MediaType.APPLICATION_JSON_VALUE)
    Acknowledged acknowledge(@PathVariable String group, @RequestBody Ids body) {
        requireForeign(group);
        return new Acknowledged(groups.acknowledge(group, validated(body)));
    }

    /** The ids as Redis writes them: of those with zeros in front it doesn't read all. */
    private static List<String> validated(Ids body) {
        List<InvalidMember> errors = new ArrayList<>();
        List<String> ids = body.ids() == null ? List.of() : body.ids();
        List<String> parsed = new ArrayList<>();
        if (ids.isEmpty() || ids.size() > MAX_COUNT) {
            errors.add(new InvalidMember("/ids", "must be 1 to " + MAX_COUNT + " ids"));
        }
        for (int i = 0; i < ids.size() && errors.isEmpty(); i++) {
            try {
                parsed.add(StreamId.parse(String.valueOf(ids.get(i))).toString());
            } catch (IllegalArgumentException e) {
                errors.add(new InvalidMember("/ids/" + i, "must be an id such as 1609602085397-0"));
            }
        }
        if (!errors.isEmpty()) {
            throw ProblemType.invalidMembers(errors);
        }
        return parsed;
    }

    /** What others take from the processor's group would never be applied. */
    private static void requireForeign(String group) {
        if (Parameters.name("group", group).equals(Keys.GROUP)) {
            throw ProblemType.CONFLICT.exception("This group is the processor's own.");
        }
    }

    private static RuntimeException noGroupOr(Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        if (RedisCondition.of(cause) == RedisCondition.NO_GROUP) {
            return noGroup();
        }
        return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
    }

    private static ErrorResponseException noGroup() {
        return ProblemType.NOT_FOUND.exception("The stream has no group of this name.");
    }

    record Pulled(List<StoredCheckin> items) {}

    /** @param ids 1 to 1,000 */
    record Ids(@Nullable List<String> ids) {}

    /** @param acknowledged how many of the ids were pending in the group */
    record Acknowledged(long acknowledged) {}
}
