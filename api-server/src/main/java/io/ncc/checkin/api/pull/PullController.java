package io.ncc.checkin.api.pull;

import io.lettuce.core.RedisException;
import io.ncc.checkin.api.ApiProperties;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.pull.PullGroups.Creation;
import io.ncc.checkin.api.web.Actor;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.Http11;
import io.ncc.checkin.service.InvalidMember;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.security.Caller;
import io.ncc.checkin.service.security.Role;
import io.ncc.redis.RedisCondition;
import jakarta.servlet.http.HttpServletRequest;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.http.ResponseEntity;
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
final class PullController {

    private static final Logger log = LoggerFactory.getLogger(PullController.class);
    private static final Set<String> PROCESSORS = Set.of(Keys.GROUP, Keys.BOARDS_GROUP);

    private static final int MAX_COUNT = 1000;
    private static final int DEFAULT_COUNT = 100;

    private final PullGroups groups;
    private final Partitions partitions;
    private final Duration maxWait;
    private final Duration longestClaimAfter;

    PullController(PullGroups groups, Partitions partitions, ApiProperties properties) {
        this.groups = groups;
        this.partitions = partitions;
        this.maxWait = properties.maxWait();
        this.longestClaimAfter = properties.claimAfter();
    }

    @PutMapping(produces = MediaType.ALL_VALUE) // as there is nothing in the answer
    ResponseEntity<Void> create(
            @PathVariable String group,
            @RequestParam(required = false) @Nullable String from,
            HttpServletRequest request) {
        requireTheirs(group, request);
        Creation creation = from == null || from.equals("0") || from.equals("$")
                ? groups.create(group, from == null ? "$" : from)
                : groups.create(group, Parameters.checkinId("from", from, partitions));
        if (creation == Creation.AHEAD_OF_STREAM) {
            throw ProblemType.invalidParameter("from", "must not be above the last id of the stream");
        }
        if (creation == Creation.MADE) {
            log.info("The group {} was created, by {}", group, Actor.of(request));
        }
        return ResponseEntity.status(creation == Creation.MADE ? HttpStatus.CREATED : HttpStatus.OK)
                .build();
    }

    @DeleteMapping(produces = MediaType.ALL_VALUE)
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void remove(@PathVariable String group, HttpServletRequest request) {
        requireTheirs(group, request);
        try {
            if (!groups.remove(group)) {
                throw PullGroup.noGroup();
            }
            log.info("The group {} was removed, by {}", group, Actor.of(request));
        } catch (RedisException e) {
            throw noGroupOr(e);
        }
    }

    @DeleteMapping(path = "/consumers/{consumer}", produces = MediaType.ALL_VALUE)
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void removeConsumer(@PathVariable String group, @PathVariable String consumer, HttpServletRequest request) {
        requireTheirs(group, request);
        long pending;
        try {
            pending = groups.removeConsumer(group, Parameters.name("consumer", consumer));
        } catch (RedisException e) {
            throw noGroupOr(e);
        }
        if (pending > 0) {
            throw ProblemType.CONFLICT.exception(
                    "The consumer holds entries that are not acknowledged. Acknowledge them,"
                            + " or let another consumer claim them.");
        }
    }

    @PostMapping("/consumers/{consumer}/pull")
    CompletableFuture<Pulled> pull(
            @PathVariable String group,
            @PathVariable String consumer,
            @RequestParam(required = false) @Nullable String count,
            @RequestParam(required = false) @Nullable String wait,
            @RequestParam(required = false) @Nullable String ack,
            @RequestParam(required = false) @Nullable String claimAfter,
            @RequestParam(required = false) @Nullable String own,
            HttpServletRequest servletRequest) {
        requireTheirs(group, servletRequest);
        Parameters.name("consumer", consumer);
        int most = Parameters.count("count", count, 1, MAX_COUNT, DEFAULT_COUNT);
        Duration patience = Parameters.wait("wait", wait, maxWait, Duration.ZERO);
        boolean acknowledge = Parameters.choice("ack", ack, "auto", "manual");
        Duration idle = Parameters.wait("claimAfter", claimAfter, longestClaimAfter, longestClaimAfter);
        boolean ownFirst = Parameters.choice("own", own, "true", "false");
        Pull.Request request = new Pull.Request(consumer, most, idle, acknowledge, ownFirst);
        CompletableFuture<List<PulledCheckin>> answer = groups.pull(group, request, patience);
        Http11.whenGone(servletRequest, () -> answer.complete(List.of()));
        return answer.handle((items, failure) -> {
            if (failure != null) {
                throw noGroupOr(failure);
            }
            return new Pulled(items);
        });
    }

    @PostMapping(path = "/ack", consumes = MediaType.APPLICATION_JSON_VALUE)
    Acknowledged acknowledge(@PathVariable String group, @RequestBody Ids body, HttpServletRequest request) {
        requireTheirs(group, request);
        return new Acknowledged(groups.acknowledge(group, validated(body)));
    }

    private List<CheckinId> validated(Ids body) {
        List<InvalidMember> errors = new ArrayList<>();
        List<String> ids = body.ids() == null ? List.of() : body.ids();
        List<CheckinId> parsed = new ArrayList<>();
        if (ids.isEmpty() || ids.size() > MAX_COUNT) {
            errors.add(new InvalidMember("/ids", "must be 1 to " + MAX_COUNT + " ids"));
        }
        for (int i = 0; i < ids.size() && errors.isEmpty(); i++) {
            try {
                parsed.add(CheckinId.parse(String.valueOf(ids.get(i)), partitions));
            } catch (IllegalArgumentException e) {
                errors.add(new InvalidMember("/ids/" + i, String.valueOf(e.getMessage())));
            }
        }
        if (!errors.isEmpty()) {
            throw ProblemType.invalidMembers(errors);
        }
        return parsed;
    }

    /** What others take from a group of the processor would never be applied. */
    private static void requireTheirs(String group, HttpServletRequest request) {
        if (PROCESSORS.contains(Parameters.name("group", group))) {
            throw ProblemType.CONFLICT.exception("This group is the processor's own.");
        }
        Caller caller = Caller.of(request);
        if (caller != null && !caller.has(Role.OPERATE) && !caller.owns(group)) {
            throw ProblemType.FORBIDDEN.exception(
                    "The token permits groups that have the caller's name, or begin with it and a dot.");
        }
    }

    private static RuntimeException noGroupOr(Throwable failure) {
        Throwable cause = RedisCondition.unwrapped(failure);
        if (RedisCondition.of(cause) == RedisCondition.NO_GROUP) {
            return PullGroup.noGroup();
        }
        return cause instanceof RuntimeException known ? known : new IllegalStateException(cause);
    }

    record Pulled(List<PulledCheckin> items) {}

    /** @param ids 1 to 1,000 */
    record Ids(@Nullable List<String> ids) {}

    /** @param acknowledged how many of the ids were pending in the group */
    record Acknowledged(long acknowledged) {}
}
