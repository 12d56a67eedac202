package io.ncc.checkin.demo.load;

import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.redis.StreamId;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.BiFunction;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

/**
 * The files {@code users.json}, {@code locations.json}, {@code locationdetails.json} and {@code checkins.json}, each an object with one array of
 * records.
 *
 * <p>A file is read and checked as a whole, record by record; what is wrong is named by file, record and line.
 */
final class JsonFiles {

    /** The processor's scripts refuse counters from 2^53 on, beyond which Lua's numbers skip integers. */
    private static final long MAX_COUNTER = (1L << 53) - 1;

    /** Bcrypt ignores, and Spring's refuses, what goes beyond. */
    private static final int MAX_PASSWORD_BYTES = 72;

    /** The API server looks for no longer ones. In UTF-16 characters. */
    private static final int MAX_EMAIL = 1_000;

    private static final int MAX_CATEGORY = 100;

    private static final Pattern DEGREES = Pattern.compile("(-?\\d{1,3}(?:\\.\\d+)?),(-?\\d{1,2}(?:\\.\\d+)?)");

    private static final JsonMapper MAPPER = JsonMapper.builder()
            .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
            .build();

    /** The line of what isn't inside a record. */
    private static final int NO_RECORD = -1;

    private final Path directory;

    JsonFiles(Path directory) {
        this.directory = directory;
    }

    /** The lists of the other kinds are empty. */
    Dataset read(Set<Kind> kinds) throws LoadException {
        Set<Long> users = new HashSet<>();
        Set<Long> locations = new HashSet<>();
        Set<Long> detailed = new HashSet<>();
        return new Dataset(
                kinds.contains(Kind.USERS) ? read(Kind.USERS, (json, before) -> user(json, users)) : List.of(),
                kinds.contains(Kind.LOCATIONS)
                        ? read(Kind.LOCATIONS, (json, before) -> location(json, locations))
                        : List.of(),
                detailsAreWanted(kinds)
                        ? read(Kind.LOCATIONDETAILS, (json, before) -> details(json, detailed))
                        : List.of(),
                kinds.contains(Kind.CHECKINS) ? read(Kind.CHECKINS, JsonFiles::checkin) : List.of());
    }

    /** If all kinds are asked for, the file may be missing. */
    private boolean detailsAreWanted(Set<Kind> kinds) {
        return kinds.contains(Kind.LOCATIONDETAILS) && (kinds.size() == 1 || Files.exists(file(Kind.LOCATIONDETAILS)));
    }

    private Path file(Kind kind) {
        return directory.resolve(kind + ".json");
    }

    private <T> List<T> read(Kind kind, BiFunction<JsonRecord, List<T>, T> toRecord) throws LoadException {
        Path file = file(kind);
        if (!Files.isRegularFile(file)) {
            throw new LoadException("there is no file " + file);
        }
        List<T> records = new ArrayList<>();
        int line = NO_RECORD;
        try (JsonParser parser = MAPPER.createParser(file)) {
            require(parser.nextToken() == JsonToken.START_OBJECT, kind);
            require(kind.array().equals(parser.nextName()), kind);
            require(parser.nextToken() == JsonToken.START_ARRAY, kind);
            while (parser.nextToken() != JsonToken.END_ARRAY) {
                line = parser.currentTokenLocation().getLineNr();
                records.add(toRecord.apply(jsonRecord(parser), records));
            }
            line = NO_RECORD;
            require(parser.nextToken() == JsonToken.END_OBJECT, kind);
            require(parser.nextToken() == null, kind);
            return records;
        } catch (IllegalArgumentException e) {
            String record = line == NO_RECORD ? "" : ", record " + (records.size() + 1) + " (line " + line + ')';
            throw new LoadException(file.getFileName() + record + ": " + e.getMessage(), e);
        } catch (JacksonIOException e) {
            throw new LoadException(file + " can't be read: " + e.getOriginalMessage(), e);
        } catch (JacksonException e) {
            throw new LoadException(
                    file.getFileName() + ", line " + e.getLocation().getLineNr() + ": not valid JSON: "
                            + e.getOriginalMessage(),
                    e);
        }
    }

    private static void require(boolean condition, Kind kind) {
        if (!condition) {
            throw new IllegalArgumentException("must be an object with one member, {\"" + kind.array() + "\": [...]}");
        }
    }

    private static JsonRecord jsonRecord(JsonParser parser) {
        if (parser.currentToken() != JsonToken.START_OBJECT) {
            throw new IllegalArgumentException("a record must be an object");
        }
        ObjectNode object = parser.readValueAsTree();
        return new JsonRecord(object);
    }

    private static User user(JsonRecord json, Set<Long> ids) {
        User user = new User(
                uniqueId(json, ids),
                json.text("firstName"),
                json.text("lastName"),
                json.shortText("email", MAX_EMAIL),
                json.text("password", MAX_PASSWORD_BYTES),
                counter(json, "numCheckins"),
                json.optionalInteger("lastCheckin", 0, Long.MAX_VALUE),
                optionalStreamId(json, "lastCheckinId"),
                json.optionalInteger("lastSeenAt", 1, Long.MAX_VALUE));
        json.refuseUnknownMembers();
        StreamId last = user.lastCheckinId();
        if (last != null && !Long.valueOf(last.millis()).equals(user.lastCheckin())) {
            throw new IllegalArgumentException("lastCheckinId must begin with the milliseconds of lastCheckin");
        }
        return user;
    }

    private static Location location(JsonRecord json, Set<Long> ids) {
        long id = uniqueId(json, ids);
        String name = json.text("name");
        String category = json.shortText("category", MAX_CATEGORY);
        String position = degrees(json, "location");
        long numCheckins = counter(json, "numCheckins");
        long numStars = counter(json, "numStars");
        Long averageStars = json.optionalInteger("averageStars", Checkin.MIN_STARS, Checkin.MAX_STARS);
        json.refuseUnknownMembers();
        if (numStars > numCheckins * Checkin.MAX_STARS) {
            throw new IllegalArgumentException(
                    "numStars must be at most " + Checkin.MAX_STARS + " for each of numCheckins");
        }
        return new Location(
                id,
                name,
                category,
                position,
                numCheckins,
                numStars,
                averageStars == null ? Location.averageStars(numStars, numCheckins) : averageStars);
    }

    private static LocationDetails details(JsonRecord json, Set<Long> ids) {
        LocationDetails details = new LocationDetails(
                uniqueId(json, ids),
                json.optionalRecords("hours", JsonFiles::hours),
                json.optionalRecords("socials", JsonRecord::texts),
                json.optionalText("website"),
                json.optionalText("description"),
                json.optionalText("phone"));
        json.refuseUnknownMembers();
        List<LocationDetails.Hours> hours = details.hours();
        if (hours != null
                && hours.stream().map(LocationDetails.Hours::day).distinct().count() < hours.size()) {
            throw new IllegalArgumentException("hours must have each day once");
        }
        return details;
    }

    private static LocationDetails.Hours hours(JsonRecord json) {
        LocationDetails.Hours hours = new LocationDetails.Hours(json.text("day"), json.text("hours"));
        json.refuseUnknownMembers();
        if (!LocationDetails.DAYS.contains(hours.day())) {
            throw new IllegalArgumentException("day must be one of " + String.join(", ", LocationDetails.DAYS));
        }
        return hours;
    }

    private static RecordedCheckin checkin(JsonRecord json, List<RecordedCheckin> before) {
        StreamId id = streamId("id", json.text("id"));
        Checkin checkin = new Checkin(id(json, CheckinCodec.USER_ID), id(json, CheckinCodec.LOCATION_ID), (int)
                json.integer(CheckinCodec.STAR_RATING, Checkin.MIN_STARS, Checkin.MAX_STARS));
        json.refuseUnknownMembers();
        StreamId previous =
                before.isEmpty() ? StreamId.ZERO : before.get(before.size() - 1).id();
        if (id.compareTo(previous) <= 0) {
            throw new IllegalArgumentException("id " + id + " must be above " + previous
                    + (before.isEmpty() ? "" : ", the id of the record before it"));
        }
        return new RecordedCheckin(id, checkin);
    }

    private static long uniqueId(JsonRecord json, Set<Long> ids) {
        long id = id(json, "id");
        if (!ids.add(id)) {
            throw new IllegalArgumentException("id " + id + " is already the id of an earlier record");
        }
        return id;
    }

    private static long id(JsonRecord json, String name) {
        return json.integer(name, 1, Long.MAX_VALUE);
    }

    private static long counter(JsonRecord json, String name) {
        Long value = json.optionalInteger(name, 0, MAX_COUNTER);
        return value == null ? 0 : value;
    }

    private static @Nullable StreamId optionalStreamId(JsonRecord json, String name) {
        String text = json.optionalText(name);
        return text == null ? null : streamId(name, text);
    }

    private static StreamId streamId(String name, String text) {
        try {
            return StreamId.parse(text);
        } catch (IllegalArgumentException e) {
            throw new IllegalArgumentException(name + " is " + e.getMessage(), e);
        }
    }

    private static String degrees(JsonRecord json, String name) {
        String text = json.text(name);
        var matcher = DEGREES.matcher(text);
        if (!matcher.matches()
                || Math.abs(Double.parseDouble(matcher.group(1))) > 180
                || Math.abs(Double.parseDouble(matcher.group(2))) > 90) {
            throw new IllegalArgumentException(name + " must be \"<longitude>,<latitude>\" in degrees");
        }
        return text;
    }
}
