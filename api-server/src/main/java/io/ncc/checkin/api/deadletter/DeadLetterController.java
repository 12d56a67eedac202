package io.ncc.checkin.api.deadletter;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.ncc.checkin.api.deadletter.DeadLetterReader.Outcome;
import io.ncc.checkin.api.deadletter.DeadLetterReader.Page;
import io.ncc.checkin.api.deadletter.DeadLetterReader.Replayed;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.api.web.Actor;
import io.ncc.checkin.api.web.Links;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import org.springframework.http.HttpStatus;
import org.springframework.http.MediaType;
import org.springframework.web.ErrorResponseException;
import org.springframework.web.bind.annotation.DeleteMapping;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.PostMapping;
import org.springframework.web.bind.annotation.RequestMapping;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.ResponseStatus;
import org.springframework.web.bind.annotation.RestController;

/** What a projection could not apply. The id in a URL is that of the dead letter, not that of the entry. */
@RestController
@RequestMapping(path = "/dead-letters", produces = MediaType.APPLICATION_JSON_VALUE)
final class DeadLetterController {

    private static final Logger log = LoggerFactory.getLogger(DeadLetterController.class);
    private static final int MAX_LIMIT = 1000;
    private static final int DEFAULT_LIMIT = 100;

    /** How many dead letters one request looks through for those to replay. */
    private static final int MOST_LOOKED_AT = 10_000;

    private final DeadLetterReader deadLetters;
    private final DeadLetterReasons reasons;
    private final Partitions partitions;

    DeadLetterController(DeadLetterReader deadLetters, DeadLetterReasons reasons, Partitions partitions) {
        this.deadLetters = deadLetters;
        this.reasons = reasons;
        this.partitions = partitions;
    }

    @GetMapping
    DeadLetters list(
            @RequestParam(required = false) @Nullable String group,
            @RequestParam(required = false) @Nullable String after,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String order,
            HttpServletRequest request) {
        ProjectionGroup of = ProjectionGroup.parse(group);
        CheckinId from = after == null ? null : id("after", after);
        int most = Parameters.count("limit", limit, 1, MAX_LIMIT, DEFAULT_LIMIT);
        boolean newestFirst = Parameters.choice("order", order, "desc", "asc");
        Page page = deadLetters.list(of, newestFirst, from, most);
        List<DeadLetter> items = page.items();
        if (page.isLast()) {
            return new DeadLetters(items, null);
        }
        return new DeadLetters(
                items,
                Links.to(
                        request,
                        "/dead-letters?" + (group == null ? "" : "group=" + of.text() + '&') + "limit=" + most
                                + (newestFirst ? "&order=desc" : "") + "&after="
                                + items.get(items.size() - 1).id()));
    }

    @GetMapping("/reasons")
    CompletionStage<DeadLetterReasons.Reasons> reasons(@RequestParam(required = false) @Nullable String group) {
        return reasons.read(ProjectionGroup.parse(group));
    }

    @GetMapping("/{id}")
    DeadLetter one(@PathVariable String id, @RequestParam(required = false) @Nullable String group) {
        return deadLetters.one(ProjectionGroup.parse(group), id("id", id)).orElseThrow(DeadLetterController::none);
    }

    @PostMapping("/{id}/replay")
    Replayed replay(
            @PathVariable String id,
            @RequestParam(required = false) @Nullable String group,
            HttpServletRequest request) {
        ProjectionGroup of = ProjectionGroup.parse(group);
        CheckinId letter = id("id", id);
        List<Replayed> replayed = replay(of, List.of(letter)).replayed();
        if (!replayed.isEmpty()) {
            log.info(
                    "The dead letter {} was replayed as {}, by {}",
                    letter,
                    replayed.get(0).replayedAs(),
                    Actor.of(request));
            return replayed.get(0);
        }
        if (deadLetters.one(of, letter).isPresent()) {
            throw ProblemType.CONFLICT.exception("The dead letter hasn't got all fields of its entry.");
        }
        throw none();
    }

    @PostMapping("/replay")
    Replay replayAll(
            @RequestParam(required = false) @Nullable String group,
            @RequestParam(required = false) @Nullable String reason,
            @RequestParam(required = false) @Nullable String after,
            HttpServletRequest request) {
        ProjectionGroup of = ProjectionGroup.parse(group);
        CheckinId from = after == null ? null : id("after", after);
        List<CheckinId> ids = new ArrayList<>();
        CheckinId last = from;
        int lookedAt = 0;
        boolean end = false;
        while (!end && ids.size() < MAX_LIMIT && lookedAt < MOST_LOOKED_AT) {
            Page page = deadLetters.list(of, false, last, MAX_LIMIT);
            end = page.isLast();
            for (DeadLetter letter : page.items()) {
                if (ids.size() == MAX_LIMIT) {
                    end = false;
                    break;
                }
                last = letter.id();
                lookedAt++;
                if (!letter.truncated() && (reason == null || reason.equals(letter.reason()))) {
                    ids.add(last);
                }
            }
        }
        Outcome outcome = replay(of, ids);
        log.info("Dead letters were replayed: {}, by {}", outcome.replayed().size(), Actor.of(request));
        boolean more = !end || outcome.streamFull();
        // with a full stream, some of these are still to be replayed
        CheckinId next = outcome.streamFull() ? from : last;
        return new Replay(outcome.replayed(), more, more ? next : null);
    }

    /** What was replayed is answered, also if the stream has no room for the rest. */
    private Outcome replay(ProjectionGroup group, List<CheckinId> ids) {
        Outcome outcome = deadLetters.replay(group, ids);
        if (outcome.streamFull() && outcome.replayed().isEmpty()) {
            throw ProblemType.STREAM_FULL.exception();
        }
        return outcome;
    }

    @DeleteMapping(path = "/{id}", produces = MediaType.ALL_VALUE) // as there is nothing in the answer
    @ResponseStatus(HttpStatus.NO_CONTENT)
    void discard(
            @PathVariable String id,
            @RequestParam(required = false) @Nullable String group,
            HttpServletRequest request) {
        CheckinId letter = id("id", id);
        if (!deadLetters.discard(ProjectionGroup.parse(group), letter)) {
            throw none();
        }
        log.info("The dead letter {} was discarded, by {}", letter, Actor.of(request));
    }

    private CheckinId id(String name, String text) {
        return Parameters.checkinId(name, text, partitions);
    }

    private static ErrorResponseException none() {
        return ProblemType.NOT_FOUND.exception("There is no dead letter with this id.");
    }

    /** @param next where the next page is; null at the end */
    record DeadLetters(List<DeadLetter> items, @Nullable String next) {}

    /**
     * What became of a request for many.
     *
     * @param more whether there may be more
     * @param after where the next request goes on; null if there are no more, or if it has to begin with the first dead letter
     */
    record Replay(
            List<Replayed> replayed,
            boolean more,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            CheckinId after) {}
}
