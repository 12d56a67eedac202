package io.ncc.checkin.api.projection;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import io.ncc.engine.GroupKeys;
import java.util.Arrays;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The consumer group of a projection. Each has a checkpoint, totals and dead letters of its own. */
public enum ProjectionGroup {
    TOTALS(Keys.GROUP),
    BOARDS(Keys.BOARDS_GROUP);

    private final String text;

    ProjectionGroup(String text) {
        this.text = text;
    }

    /** Its name in Redis. */
    public String text() {
        return text;
    }

    /** The keys of its state in a partition. */
    public GroupKeys keys(Keys keys) {
        return switch (this) {
            case TOTALS -> keys.totalsGroup(GroupKeys::new);
            case BOARDS -> keys.boardsGroup(GroupKeys::new);
        };
    }

    /** Reads the query parameter {@code group}; that of the totals if it isn't given. */
    public static ProjectionGroup parse(@Nullable String text) {
        if (text == null) {
            return TOTALS;
        }
        for (ProjectionGroup group : values()) {
            if (group.text.equals(text)) {
                return group;
            }
        }
        throw ProblemType.invalidParameter(
                "group",
                "must be " + Arrays.stream(values()).map(ProjectionGroup::text).collect(Collectors.joining(" or ")));
    }
}
