package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.service.ProblemType;
import io.swagger.v3.oas.annotations.Operation;
import io.swagger.v3.oas.annotations.Parameter;
import io.swagger.v3.oas.annotations.media.Schema;
import io.swagger.v3.oas.annotations.responses.ApiResponse;
import io.swagger.v3.oas.annotations.tags.Tag;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
@Tag(name = "Users")
@ApiResponse(responseCode = "200")
@ApiResponse(responseCode = "400", ref = "400")
@ApiResponse(responseCode = "404", ref = "404")
@ApiResponse(responseCode = "503", ref = "503")
final class UserController {

    private static final String[] FIELDS = {
        "id", "firstName", "lastName", "email", "numCheckins", "lastCheckin", "lastCheckinId", "lastSeenAt"
    };

    private final HashReader hashes;
    private final Keys keys;
    private final ReadYourWrites readYourWrites;

    UserController(HashReader hashes, Keys keys, ReadYourWrites readYourWrites) {
        this.hashes = hashes;
        this.keys = keys;
        this.readYourWrites = readYourWrites;
    }

    @Operation(
            summary = "A user with the totals of their checkins",
            description = "With after, once that checkin is in the totals: for those who want to read what they wrote.")
    @ApiResponse(responseCode = "409", ref = "409")
    @ApiResponse(responseCode = "504", ref = "504")
    @GetMapping(
            path = {"/users/{id}", "/api/user/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<User> user(
            @Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "789") @PathVariable String id,
            @Parameter(description = "the id of a checkin, which the receiver gave", example = "1609602085397-0")
                    @RequestParam(required = false)
                    @Nullable
                    String after,
            @Parameter(description = "with after: how long to wait at most, such as 500ms; 2s if not given")
                    @RequestParam(required = false)
                    @Nullable
                    String wait) {
        long number = Parameters.id("id", id);
        if (after != null) {
            return readYourWrites.read(after, wait, StoredCheckin::userId, number, () -> read(number));
        }
        if (wait != null) {
            throw ProblemType.invalidParameter("wait", "goes with after");
        }
        return read(number);
    }

    @Operation(summary = "The name of a user")
    @GetMapping(
            path = {"/users/{id}/fullname", "/api/user/{id}/fullname"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<FullName> fullName(
            @Parameter(schema = @Schema(type = "integer", minimum = "1"), example = "789") @PathVariable String id) {
        return read(Parameters.id("id", id)).thenApply(FullName::of);
    }

    private CompletionStage<User> read(long id) {
        return hashes.read(keys.user(id), FIELDS).thenApply(fields -> {
            if (fields.isEmpty()) {
                throw ProblemType.NOT_FOUND.exception("There is no user with this id.");
            }
            return User.from(id, fields);
        });
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

    record FullName(@Nullable String fullName) {

        static FullName of(User user) {
            String name = Stream.of(user.firstName(), user.lastName())
                    .filter(part -> part != null && !part.isBlank())
                    .collect(Collectors.joining(" "));
            return new FullName(name.isEmpty() ? null : name);
        }
    }
}
