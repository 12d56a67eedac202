package io.ncc.engine;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.protocol.RedisStateMachine;
import io.ncc.redis.StreamId;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class EntriesOutputTest {

    private static final String TWO_ENTRIES = """
            *2
            *2
            $3
            5-0
            *4
            $1
            a
            $1
            1
            $1
            b
            $0

            *2
            $3
            6-0
            *2
            $1
            a
            $1
            3
            """;

    private static final List<Entry> THE_TWO =
            List.of(new Entry("5-0", Map.of("a", "1", "b", ""), 1), new Entry("6-0", Map.of("a", "3"), 1));

    @Test
    void aReplyOfTheNewerProtocolIsAMap() {
        assertThat(decoded("%1\n$1\ns\n" + TWO_ENTRIES)).isEqualTo(THE_TWO);
    }

    @Test
    void aReplyOfTheOlderProtocolIsAnArray() {
        assertThat(decoded("*1\n*2\n$1\ns\n" + TWO_ENTRIES)).isEqualTo(THE_TWO);
    }

    @Test
    void aReplyMayComeInPieces() {
        String reply = wire("%1\n$1\ns\n" + TWO_ENTRIES);
        EntriesOutput output = new EntriesOutput(new EntryCodec());
        RedisStateMachine decoder = new RedisStateMachine();
        ByteBuf received = Unpooled.buffer();
        for (int i = 0; i < reply.length(); i++) {
            received.writeByte(reply.charAt(i));
            assertThat(decoder.decode(received, output)).isEqualTo(i == reply.length() - 1);
        }
        assertThat(output.get()).isEqualTo(THE_TWO);
    }

    @Test
    void ofARepeatedFieldTheLastValueCounts() {
        assertThat(decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*4\n$1\na\n$1\n1\n$1\na\n$1\n2\n"))
                .containsExactly(new Entry("5-0", Map.of("a", "2"), 1));
    }

    @Test
    void aPendingEntryThatWasDeletedHasNoFields() {
        List<Entry> expected = List.of(new Entry("5-0", Map.of(), 1), new Entry("6-0", Map.of("a", "3"), 1));
        String next = "*2\n$3\n6-0\n*2\n$1\na\n$1\n3\n";
        assertThat(decoded("%1\n$1\ns\n*2\n*2\n$3\n5-0\n_\n" + next)).isEqualTo(expected);
        assertThat(decoded("*1\n*2\n$1\ns\n*2\n*2\n$3\n5-0\n*-1\n" + next)).isEqualTo(expected);
    }

    @Test
    void noEntriesAreNone() {
        assertThat(decoded("_\n")).isEmpty();
        assertThat(decoded("*-1\n")).isEmpty();
        assertThat(decoded("%1\n$1\ns\n*0\n")).isEmpty(); // nothing is pending
        assertThat(decoded("*1\n*2\n$1\ns\n*0\n")).isEmpty();
    }

    @Test
    void anErrorIsNoEntry() {
        EntriesOutput output = new EntriesOutput(new EntryCodec());
        new RedisStateMachine().decode(bytes("-NOGROUP No such key\n"), output);
        assertThat(output.getError()).isEqualTo("NOGROUP No such key");
        assertThat(output.get()).isEmpty();
    }

    @Test
    void thereMayBeManyFieldsAndAnyBytes() {
        String fields = IntStream.range(1_000, 1_200)
                .mapToObj(i -> "$5\nf" + i + "\n$1\n\u00ff\n")
                .collect(Collectors.joining());
        List<Entry> entries = decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*400\n" + fields);
        assertThat(entries)
                .singleElement()
                .satisfies(entry -> assertThat(entry.fields()).hasSize(200).containsEntry("f1199", "\u00ff"));
    }

    @Test
    void ofAnEntryWithTooManyFieldsTheFirstOnesAreKept() {
        String many = IntStream.range(10_000, 60_000)
                .mapToObj(i -> "$6\nf" + i + "\n$1\nx\n")
                .collect(Collectors.joining());
        List<Entry> entries =
                decoded("%1\n$1\ns\n*2\n*2\n$3\n5-0\n*100000\n" + many + "*2\n$3\n6-0\n*2\n$1\na\n$1\n3\n");

        assertThat(entries.get(0).isTooLarge()).isTrue();
        assertThat(entries.get(0).fieldsInStream()).isEqualTo(50_000);
        assertThat(entries.get(0).fields()).hasSizeBetween(200, 256).containsEntry("f10000", "x");
        assertThat(entries.get(1)).isEqualTo(new Entry("6-0", Map.of("a", "3"), 1));
    }

    @Test
    void ofAnEntryWithALargeValueWhatComesBeforeItIsKept() {
        String large = "x".repeat(20_000);
        List<Entry> entries = decoded("%1\n$1\ns\n*2\n*2\n$3\n5-0\n*6\n$1\na\n$1\n1\n$1\nb\n$20000\n" + large
                + "\n$1\nc\n$1\n3\n*2\n$3\n6-0\n*2\n$1\na\n$1\n3\n");

        assertThat(entries)
                .containsExactly(new Entry("5-0", Map.of("a", "1"), 1, 3), new Entry("6-0", Map.of("a", "3"), 1));
    }

    @Test
    void anEntryOfWhichNothingFitsIsNotTakenForOneThatWasDeleted() {
        String large = "x".repeat(20_000);
        Entry entry = decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*2\n$20000\n" + large + "\n$1\n1\n")
                .get(0);
        assertThat(entry).isEqualTo(new Entry("5-0", Map.of(), 1, 1));
        assertThat(entry.isTooLarge()).isTrue();
        assertThat(entry.isDeleted()).isFalse();
    }

    @Test
    void anEntryOfExactlyTheLimitIsKept() {
        String value = "x".repeat(EntriesOutput.MOST_KEPT - 2 * EntriesOutput.OVERHEAD - 1);
        String reply = "%1\n$1\ns\n*1\n*2\n$3\n5-0\n*2\n$1\na\n$" + value.length() + "\n" + value + "\n";
        assertThat(decoded(reply)).containsExactly(new Entry("5-0", Map.of("a", value), 1));
    }

    @Test
    void whatMakesItAReplayDoesNotCountIfItComesFirst() {
        String value = "x".repeat(EntriesOutput.MOST_KEPT - 2 * EntriesOutput.OVERHEAD - 1);
        String id = StreamId.HIGHEST.toString();
        String replay = "$8\nreplayOf\n$41\n" + id + "\n$9\nreplayFor\n$16\ncheckinConsumers\n";
        String large = "$1\na\n$" + value.length() + "\n" + value + "\n";
        String more = "$1\nb\n$100\n" + "y".repeat(100) + "\n";
        Map<String, String> replayFields = Map.of("replayOf", id, "replayFor", "checkinConsumers");

        assertThat(decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*6\n" + replay + large))
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.isTooLarge()).isFalse();
                    assertThat(entry.fields()).hasSize(3).containsAllEntriesOf(replayFields);
                });
        assertThat(decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*8\n" + replay + large + more))
                .singleElement()
                .satisfies(entry -> {
                    assertThat(entry.isTooLarge()).isTrue();
                    assertThat(entry.isFor("another")).isFalse();
                });
        assertThat(decoded("%1\n$1\ns\n*1\n*2\n$3\n5-0\n*6\n" + large + replay))
                .singleElement()
                .satisfies(entry -> assertThat(entry.isTooLarge()).isTrue());
    }

    @Test
    void whatIsNotKeptWeighsAsWell() {
        EntriesOutput output = new EntriesOutput(new EntryCodec());
        String reply = "%1\n$1\ns\n*1\n*2\n$3\n5-0\n*4\n$1\na\n$20000\n" + "x".repeat(20_000) + "\n$1\nb\n$1\n2\n";
        new RedisStateMachine().decode(bytes(reply), output);
        assertThat(output.weight()).isEqualTo(20_003 + 4 * EntriesOutput.OVERHEAD);
    }

    private static List<Entry> decoded(String reply) {
        EntriesOutput output = new EntriesOutput(new EntryCodec());
        assertThat(new RedisStateMachine().decode(bytes(reply), output)).isTrue();
        return output.get();
    }

    private static ByteBuf bytes(String reply) {
        return Unpooled.copiedBuffer(wire(reply), StandardCharsets.ISO_8859_1);
    }

    private static String wire(String reply) {
        return reply.replace("\n", "\r\n");
    }
}
