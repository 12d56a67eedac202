package io.ncc.checkin.api.checkin;

import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.api.projection.ProjectionGroup;
import io.ncc.checkin.api.web.Links;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.api.web.PlainRead;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import io.ncc.redis.StreamId;
import jakarta.servlet.http.HttpServletRequest;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.CompletionStage;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class CheckinController {

    private static final int DEFAULT_LIMIT = 100;

    private final CheckinReader checkins;
    private final StatusReader statuses;
    private final Partitions partitions;

    CheckinController(CheckinReader checkins, StatusReader statuses, Partitions partitions) {
        this.checkins = checkins;
        this.statuses = statuses;
        this.partitions = partitions;
    }

    @GetMapping(
            path = {"/checkins/latest", "/api/checkins/latest"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<StoredCheckin> latest() {
        return checkins.latest()
                .thenApply(found -> found.orElseThrow(() -> ProblemType.NOT_FOUND.exception("There are no checkins.")));
    }

    @Bean
    PlainRead plainLatest() {
        return PlainRead.of("/checkins/latest", this::latest);
    }

    @GetMapping(path = "/checkins", produces = MediaType.APPLICATION_JSON_VALUE)
    Checkins list(
            @RequestParam(required = false) @Nullable String from,
            @RequestParam(required = false) @Nullable String to,
            @RequestParam(required = false) @Nullable String limit,
            @RequestParam(required = false) @Nullable String order,
            @RequestParam(required = false) @Nullable String cursor,
            HttpServletRequest request) {
        if (cursor == null) {
            return Checkins.of(checkins.page(begin(from, to, limit, order)), request);
        }
        if (from != null || to != null || limit != null || order != null) {
            throw ProblemType.invalidParameter("cursor", "stands for all other parameters");
        }
        return Checkins.of(checkins.page(Cursor.parse(cursor, partitions)), request);
    }

    private Cursor begin(@Nullable String from, @Nullable String to, @Nullable String limit, @Nullable String order) {
        StreamId first = from == null ? StreamId.ZERO : new StreamId(Parameters.time("from", from), 0);
        StreamId last = to == null
                ? StreamId.HIGHEST
                : new StreamId(Parameters.lastTime("to", to), StreamId.HIGHEST.sequence());
        if (first.compareTo(last) > 0) {
            throw ProblemType.invalidParameter("to", "must not be before from");
        }
        return new Cursor(
                CheckinId.lowest(partitions, first),
                CheckinId.highest(partitions, last),
                Parameters.choice("order", order, "desc", "asc"),
                Parameters.count("limit", limit, 1, CheckinReader.MAX_PAGE, DEFAULT_LIMIT));
    }

    @GetMapping(
            path = {"/checkins/{from}/{to}", "/api/checkins/{from}/{to}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    List<StoredCheckin> range(@PathVariable String from, @PathVariable String to) {
        return checkins.page(begin(from, to, Integer.toString(CheckinReader.MAX_PAGE), null))
                .items();
    }

    @GetMapping(path = "/checkins/{id}", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<CheckinWithStatus> one(@PathVariable String id) {
        return statuses.readAll(Parameters.checkinId("id", id, partitions)).thenApply(CheckinController::found);
    }

    private static CheckinWithStatus found(Map<ProjectionGroup, EntryStatus> ofGroups) {
        EntryStatus status = Objects.requireNonNull(ofGroups.get(ProjectionGroup.TOTALS));
        EntryStatus ofBoards = Objects.requireNonNull(ofGroups.get(ProjectionGroup.BOARDS));
        boolean boards = ofBoards.state() != EntryStatus.State.UNPROCESSED
                && ofBoards.state() != EntryStatus.State.UNKNOWN; // else there are none
        StoredCheckin checkin = status.checkin();
        if (boards && checkin != null && ProjectionGroup.BOARDS.text().equals(checkin.replayFor())) {
            status = ofBoards;
        }
        if (status.state() == EntryStatus.State.TRIMMED) {
            throw ProblemType.GONE.exception(
                    "The entry is no longer in the stream; it was settled before it was trimmed.");
        }
        if (status.state() == EntryStatus.State.UNKNOWN) {
            throw ProblemType.NOT_FOUND.exception("There is no entry with this id.");
        }
        return CheckinWithStatus.of(status, boards ? texts(ofGroups) : null);
    }

    private static Map<String, @Nullable String> texts(Map<ProjectionGroup, EntryStatus> ofGroups) {
        Map<String, @Nullable String> texts = new LinkedHashMap<>();
        for (ProjectionGroup group : ProjectionGroup.values()) {
            texts.put(
                    group.text(),
                    Objects.requireNonNull(ofGroups.get(group)).state().text());
        }
        return texts;
    }

    /** @param next where the next page is; null at the end */
    record Checkins(List<StoredCheckin> items, @Nullable String next) {

        static Checkins of(CheckinReader.Page page, HttpServletRequest request) {
            return new Checkins(
                    page.items(), page.next() == null ? null : Links.to(request, "/checkins?cursor=" + page.next()));
        }
    }
}
