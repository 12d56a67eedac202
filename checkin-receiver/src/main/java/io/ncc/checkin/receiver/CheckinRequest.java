package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.service.InvalidMember;
import io.swagger.v3.oas.annotations.media.Schema;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** A checkin as it comes: what may be missing or out of range. */
@Schema(name = "Checkin")
record CheckinRequest(
        @Schema(example = "789", minimum = "1", requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        Long userId,

        @Schema(example = "171", minimum = "1", requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        Long locationId,

        @Schema(example = "5", minimum = "0", maximum = "5", requiredMode = Schema.RequiredMode.REQUIRED) @Nullable
        Integer starRating) {

    /**
     * What it stands for.
     *
     * @throws InvalidCheckinException if something is missing or out of range
     */
    Checkin toCheckin() throws InvalidCheckinException {
        if (userId == null
                || userId < 1
                || locationId == null
                || locationId < 1
                || starRating == null // for NullAway, as isValid sees to it
                || !isValid(starRating)) {
            throw new InvalidCheckinException(errors());
        }
        return new Checkin(userId, locationId, starRating);
    }

    private static boolean isValid(@Nullable Integer stars) {
        return stars != null && stars >= Checkin.MIN_STARS && stars <= Checkin.MAX_STARS;
    }

    private List<InvalidMember> errors() {
        List<InvalidMember> errors = new ArrayList<>();
        checkId(errors, "/userId", userId);
        checkId(errors, "/locationId", locationId);
        if (!isValid(starRating)) {
            String rule = "must be from " + Checkin.MIN_STARS + " to " + Checkin.MAX_STARS;
            errors.add(new InvalidMember("/starRating", starRating == null ? "is required" : rule));
        }
        return errors;
    }

    private static void checkId(List<InvalidMember> errors, String pointer, @Nullable Long id) {
        if (id == null || id < 1) {
            errors.add(new InvalidMember(pointer, id == null ? "is required" : "must be 1 or more"));
        }
    }
}
