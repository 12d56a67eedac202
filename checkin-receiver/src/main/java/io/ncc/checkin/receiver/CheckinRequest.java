package io.ncc.checkin.receiver;

import io.ncc.checkin.model.Checkin;
import io.swagger.v3.oas.annotations.media.Schema;
import jakarta.validation.constraints.Max;
import jakarta.validation.constraints.Min;
import jakarta.validation.constraints.NotNull;
import org.jspecify.annotations.Nullable;

/** The body of a POST: what may be missing or out of range until it was validated. */
@Schema(name = "Checkin")
record CheckinRequest(
        @Schema(example = "789")
        @NotNull(message = "is required")
        @Min(value = 1, message = "must be 1 or more")
        @Nullable
        Long userId,

        @Schema(example = "171")
        @NotNull(message = "is required")
        @Min(value = 1, message = "must be 1 or more")
        @Nullable
        Long locationId,

        @Schema(example = "5")
        @NotNull(message = "is required")
        @Min(value = Checkin.MIN_STARS, message = "must be from 0 to 5")
        @Max(value = Checkin.MAX_STARS, message = "must be from 0 to 5")
        @Nullable
        Integer starRating) {

    /** Of a valid request only. */
    Checkin toCheckin() {
        if (userId == null || locationId == null || starRating == null) {
            throw new IllegalStateException("not validated");
        }
        return new Checkin(userId, locationId, starRating);
    }
}
