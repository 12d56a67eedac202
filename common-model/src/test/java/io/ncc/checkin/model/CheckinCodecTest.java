package io.ncc.checkin.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

final class CheckinCodecTest {

    private static final Map<String, String> VALID = Map.of("userId", "789", "locationId", "171", "starRating", "5");

    @Test
    void aCheckinSurvivesItsEntryForm() throws UndecodableEntryException {
        var checkin = new Checkin(Long.MAX_VALUE, 1, 0);
        assertThat(CheckinCodec.decode(CheckinCodec.encode(checkin))).isEqualTo(checkin);
    }

    @Test
    void theEntryFormHasTheContractsNamesAndPlainDecimals() {
        assertThat(CheckinCodec.encode(new Checkin(789, 171, 5))).isEqualTo(VALID);
    }

    @Test
    void fieldsThatItDoesNotKnowAreIgnored() throws UndecodableEntryException {
        var fields = new HashMap<>(VALID);
        fields.put("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01");
        fields.put("", "\u0000");
        assertThat(CheckinCodec.decode(fields)).isEqualTo(new Checkin(789, 171, 5));
    }

    @ParameterizedTest
    @ValueSource(strings = {"userId", "locationId", "starRating"})
    void aMissingFieldIsNamed(String field) {
        var fields = new HashMap<>(VALID);
        fields.remove(field);
        assertThatThrownBy(() -> CheckinCodec.decode(fields))
                .isInstanceOf(UndecodableEntryException.class)
                .hasMessage(field + " is missing");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "0",
                "007",
                "-1",
                "+5",
                " 5",
                "5 ",
                "5.0",
                "1e3",
                "0x10",
                "nan",
                "inf",
                "١٢",
                "9223372036854775808",
                "9999999999999999999",
                "92233720368547758070",
                "1\u0000"
            })
    void anIdInAnyOtherFormIsRefused(String text) {
        for (String field : new String[] {"userId", "locationId"}) {
            var fields = new HashMap<>(VALID);
            fields.put(field, text);
            assertThatThrownBy(() -> CheckinCodec.decode(fields))
                    .isInstanceOf(UndecodableEntryException.class)
                    .hasMessage(field + " is not an id from 1 to 2^63-1");
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "6", "9", "-1", "05", "5.0", " 5", "five", "٥"})
    void starsInAnyOtherFormAreRefused(String text) {
        var fields = new HashMap<>(VALID);
        fields.put("starRating", text);
        assertThatThrownBy(() -> CheckinCodec.decode(fields))
                .isInstanceOf(UndecodableEntryException.class)
                .hasMessage("starRating is not a digit from 0 to 5");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "9223372036854775807"})
    void theFirstAndTheLastIdAreTaken(String text) throws UndecodableEntryException {
        var fields = new HashMap<>(VALID);
        fields.put("userId", text);
        assertThat(CheckinCodec.decode(fields).userId()).isEqualTo(Long.parseLong(text));
    }

    @Test
    void aCheckinOutOfRangeCannotBeMade() {
        assertThatThrownBy(() -> new Checkin(0, 1, 1)).hasMessageContaining("userId");
        assertThatThrownBy(() -> new Checkin(1, -1, 1)).hasMessageContaining("locationId");
        assertThatThrownBy(() -> new Checkin(1, 1, 6)).hasMessageContaining("starRating");
    }
}
