package io.ncc.checkin.demo.load;

import static org.assertj.core.api.Assertions.assertThat;

import io.ncc.redis.StreamId;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.springframework.security.crypto.bcrypt.BCrypt;

final class SampleDataTest {

    private static final Dataset SAMPLE = SampleData.dataset();

    /** If a change is meant, take the new digest over; the same on every JDK. */
    @Test
    void itIsTheSameEverywhere() throws Exception {
        StringBuilder text = new StringBuilder();
        SAMPLE.users()
                .forEach(user ->
                        text.append(user.profile()).append(user.counters()).append('\n'));
        SAMPLE.locations()
                .forEach(location -> text.append(location.profile())
                        .append(location.counters())
                        .append('\n'));
        SAMPLE.checkins()
                .forEach(recorded -> text.append(recorded.id())
                        .append(' ')
                        .append(recorded.checkin().userId())
                        .append(' ')
                        .append(recorded.checkin().locationId())
                        .append(' ')
                        .append(recorded.checkin().starRating())
                        .append('\n'));

        byte[] digest =
                MessageDigest.getInstance("SHA-256").digest(text.toString().getBytes(StandardCharsets.UTF_8));
        assertThat(HexFormat.of().formatHex(digest))
                .isEqualTo("a1c905e2f2c12c9e22664481a93bf44a9a729178b2ac8aab734cd486420e08b2");
    }

    @Test
    void usersHaveTheIdsFromOneOnAndMailAddressesOfTheirOwn() {
        assertThat(SAMPLE.users())
                .extracting(User::id)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, SampleData.USERS).boxed().toList());
        assertThat(SAMPLE.users())
                .extracting(User::email)
                .doesNotHaveDuplicates()
                .allMatch(email -> email.matches("[a-z]+(\\.[a-z]+)?\\d*@example\\.(com|net|org)"));
    }

    @Test
    void namesAreOfManyScripts() {
        List<String> names = SAMPLE.users().stream()
                .map(user -> user.firstName() + ' ' + user.lastName())
                .toList();
        assertThat(names).anyMatch(name -> name.matches(".*[éèñüöøłş].*"));
        assertThat(names).anyMatch(name -> name.matches(".*\\p{IsCyrillic}.*"));
        assertThat(names).anyMatch(name -> name.matches(".*\\p{IsHan}.*"));
        assertThat(names).anyMatch(name -> name.matches(".*\\p{IsHangul}.*"));
    }

    @Test
    void passwordsAreBcryptOfTheirKnownText() {
        assertThat(SAMPLE.users()).noneMatch(User::hasPlainPassword);
        for (User user : List.of(
                SAMPLE.users().get(0), SAMPLE.users().get(499), SAMPLE.users().get(999))) {
            assertThat(BCrypt.checkpw(SampleData.password(user.id()), user.password()))
                    .isTrue();
        }
    }

    @Test
    void locationsAreOfAllCategoriesAndAroundOakland() {
        assertThat(SAMPLE.locations())
                .extracting(Location::id)
                .containsExactlyElementsOf(
                        LongStream.rangeClosed(1, SampleData.LOCATIONS).boxed().toList());
        assertThat(SAMPLE.locations()).extracting(Location::name).doesNotHaveDuplicates();
        assertThat(SAMPLE.locations())
                .extracting(Location::category)
                .containsOnly("retail", "cafe", "restaurant", "bar", "hair", "gym");
        assertThat(SAMPLE.locations()).allSatisfy(location -> {
            String[] degrees = location.location().split(",", -1);
            assertThat(Double.parseDouble(degrees[0])).isBetween(-122.3, -122.19);
            assertThat(Double.parseDouble(degrees[1])).isBetween(37.76, 37.87);
        });
    }

    @Test
    void checkinsAreInOrderWithinThreeDaysAndOfKnownUsersAndLocations() {
        StreamId start = new StreamId(SampleData.START.toEpochMilli(), 0);
        StreamId end = new StreamId(
                SampleData.START.plus(Duration.ofDays(SampleData.DAYS)).toEpochMilli(), 0);
        assertThat(SAMPLE.checkins()).hasSize(SampleData.CHECKINS);
        assertThat(SAMPLE.checkins())
                .extracting(RecordedCheckin::id)
                .isSorted()
                .doesNotHaveDuplicates()
                .allMatch(id -> id.compareTo(start) >= 0 && id.compareTo(end) < 0)
                .anyMatch(id -> id.sequence() > 0);
        assertThat(SAMPLE.checkins())
                .extracting(RecordedCheckin::checkin)
                .allMatch(checkin ->
                        checkin.userId() <= SampleData.USERS && checkin.locationId() <= SampleData.LOCATIONS);
    }

    @Test
    void daysHaveTheirRhythmAndPlacesTheirRegulars() {
        Map<Long, Long> byHour =
                countBy(recorded -> Duration.ofMillis(recorded.id().millis() - SampleData.START.toEpochMilli())
                                .toHours()
                        % 24);
        assertThat(byHour.getOrDefault(12L, 0L)).isGreaterThan(10 * byHour.getOrDefault(3L, 0L));

        Map<Long, Long> byLocation = countBy(recorded -> recorded.checkin().locationId());
        assertThat(byLocation.values()).anyMatch(count -> count > 200).anyMatch(count -> count < 20);

        assertThat(SAMPLE.checkins())
                .filteredOn(recorded -> recorded.checkin().starRating() >= 3)
                .hasSizeGreaterThan(SampleData.CHECKINS * 3 / 4)
                .hasSizeLessThan(SampleData.CHECKINS);
    }

    private static Map<Long, Long> countBy(Function<RecordedCheckin, Long> key) {
        return SAMPLE.checkins().stream().collect(Collectors.groupingBy(key, Collectors.counting()));
    }
}
