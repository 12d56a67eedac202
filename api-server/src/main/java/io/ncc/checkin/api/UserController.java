package io.ncc.checkin.api;

import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Users")
final class UserController {

    private static final String[] FIELDS = {
        "id", "firstName", "lastName", "email", "numCheckins", "lastCheckin", "lastCheckinId", "lastSeenAt"
    };

    private final HashReader hashes;
    private final Keys keys;

    UserController(HashReader hashes, Keys keys) {
        this.hashes = hashes;
        this.keys = keys;
    }

    @Operation(summary = "A user with the totals of their checkins")
    @GetMapping(
            path = {"/users/{id}", "/api/user/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    User user(@Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "789") @PathVariable String id) {
        return read(PathVariables.id("id", id));
    }

    @Operation(summary = "The name of a user")
    @GetMapping(
            path = {"/users/{id}/fullname", "/api/user/{id}/fullname"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    FullName fullName(
            @Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "789") @PathVariable String id) {
        User user = read(PathVariables.id("id", id));
        String name = Stream.of(user.firstName(), user.lastName())
                .filter(part -> part != null && !part.isBlank())
                .collect(Collectors.joining(" "));
        return new FullName(name.isEmpty() ? null : name);
    }

    private User read(long id) {
        HashReader.Fields fields = hashes.read(keys.user(id), FIELDS);
        if (fields.isEmpty()) {
            throw ProblemType.NOT_FOUND.exception("There is no user with this id.");
        }
        return User.from(id, fields);
    }

    /**
     * What is null is not known: a user who checked in but was never loaded has no name.
     *
     * @param lastCheckin milliseconds since 1970
     * @param lastSeenAt id of a location
     */
    record User(
            @Schema(example = "789") long id,
            @Nullable String firstName,
            @Nullable String lastName,
            @Nullable String email,
            @Nullable Long numCheckins,
            @Nullable Long lastCheckin,
            @Nullable String lastCheckinId,
            @Nullable Long lastSeenAt) {

        static User from(long id, HashReader.Fields fields) {
            return new User(
                    id,
                    fields.text("firstName"),
                    fields.text("lastName"),
                    fields.text("email"),
                    fields.number("numCheckins"),
                    fields.number("lastCheckin"),
                    fields.text("lastCheckinId"),
                    fields.number("lastSeenAt"));
        }
    }

    record FullName(@Nullable String fullName) {}
}
