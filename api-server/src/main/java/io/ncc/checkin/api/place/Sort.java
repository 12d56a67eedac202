package io.ncc.checkin.api.place;

import io.ncc.checkin.service.ProblemType;
import java.util.Arrays;
import java.util.Locale;
import java.util.stream.Collectors;

/** How places are ordered. Within the same rank they ascend by id. */
enum Sort {
    ID,
    DISTANCE,
    STARS,
    CHECKINS;

    static Sort parse(String text) {
        return Arrays.stream(values())
                .filter(sort -> sort.toString().equals(text))
                .findFirst()
                .orElseThrow(() -> ProblemType.invalidParameter(
                        "sort",
                        "must be one of "
                                + Arrays.stream(values()).map(Sort::toString).collect(Collectors.joining(", "))));
    }

    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
