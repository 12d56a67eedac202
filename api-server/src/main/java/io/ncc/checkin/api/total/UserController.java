package io.ncc.checkin.api.total;

import io.ncc.checkin.api.checkin.StoredCheckin;
import io.ncc.checkin.api.web.Parameters;
import io.ncc.checkin.api.web.PlainRead;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.ProblemType;
import jakarta.servlet.http.HttpServletRequest;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.springframework.context.annotation.Bean;
import org.springframework.http.MediaType;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.PathVariable;
import org.springframework.web.bind.annotation.RequestParam;
import org.springframework.web.bind.annotation.RestController;

@RestController
final class UserController {

    private static final FieldNames FIELDS = FieldNames.of(
            "id", "firstName", "lastName", "email", "numCheckins", "lastCheckin", "lastCheckinId", "lastSeenAt");

    /** Longer than any that mail can be sent to, which has 254. */
    private static final int MAX_EMAIL = 1_000;

    private final HashReader hashes;
    private final EmailIndex emails;
    private final Partitions partitions;
    private final ReadYourWrites readYourWrites;

    UserController(HashReader hashes, EmailIndex emails, Partitions partitions, ReadYourWrites readYourWrites) {
        this.hashes = hashes;
        this.emails = emails;
        this.partitions = partitions;
        this.readYourWrites = readYourWrites;
    }

    @GetMapping(
            path = {"/users/{id}", "/api/user/{id}"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<User> user(
            @PathVariable String id,
            @RequestParam(required = false) @Nullable String after,
            @RequestParam(required = false) @Nullable String wait,
            HttpServletRequest request) {
        long number = Parameters.id("id", id);
        if (after != null) {
            return readYourWrites.read(request, after, wait, StoredCheckin::userId, number, () -> read(number));
        }
        if (wait != null) {
            throw ProblemType.invalidParameter("wait", "goes with after");
        }
        return read(number);
    }

    @Bean
    PlainRead plainUser() {
        return new PlainRead("/users/{id}", this::read);
    }

    @GetMapping(
            path = {"/users/{id}/fullname", "/api/user/{id}/fullname"},
            produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<FullName> fullName(@PathVariable String id) {
        return read(Parameters.id("id", id)).thenApply(FullName::of);
    }

    @GetMapping(path = "/users", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<User> withEmail(@RequestParam String email) {
        return withAddress(email, email.replace(' ', '+')); // as which a plus sign comes that wasn't escaped
    }

    @GetMapping(path = "/api/user/email/{email}", produces = MediaType.APPLICATION_JSON_VALUE)
    CompletionStage<User> withEmailInPath(@PathVariable String email) {
        return withAddress(email, email);
    }

    /** @param otherwise the address to look for if nobody has the first one */
    private CompletionStage<User> withAddress(String email, String otherwise) {
        if (email.isBlank() || email.length() > MAX_EMAIL) {
            throw ProblemType.invalidParameter("email", "must be 1 to " + MAX_EMAIL + " characters");
        }
        return emails.find(email)
                .thenCompose(id -> id.isPresent() || otherwise.equals(email)
                        ? CompletableFuture.completedFuture(id)
                        : emails.find(otherwise))
                .thenCompose(id -> read(id.orElseThrow(
                        () -> ProblemType.NOT_FOUND.exception("There is no user with this e-mail address."))));
    }

    private CompletionStage<User> read(long id) {
        int partition = partitions.ofUser(id);
        return hashes.read(partition, partitions.keys(partition).user(id), FIELDS)
                .thenApply(fields -> {
                    if (fields.isEmpty()) {
                        throw ProblemType.NOT_FOUND.exception("There is no user with this id.");
                    }
                    String lastId = fields.text("lastCheckinId");
                    return User.from(id, fields, lastId == null ? null : partitions.idOutside(partition, lastId));
                });
    }

    /**
     * What is null is not known: a user who checked in but was never loaded has no name.
     *
     * @param lastCheckin milliseconds since 1970
     * @param lastSeenAt id of a location
     */
    record User(
            long id,
            @Nullable String firstName,
            @Nullable String lastName,
            @Nullable String email,
            @Nullable Long numCheckins,
            @Nullable Long lastCheckin,
            @Nullable String lastCheckinId,
            @Nullable Long lastSeenAt) {

        static User from(long id, HashReader.Fields fields, @Nullable String lastCheckinId) {
            return new User(
                    id,
                    fields.text("firstName"),
                    fields.text("lastName"),
                    fields.text("email"),
                    fields.number("numCheckins"),
                    fields.number("lastCheckin"),
                    lastCheckinId,
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
