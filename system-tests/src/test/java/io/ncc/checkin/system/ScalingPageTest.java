package io.ncc.checkin.system;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.cluster.SlotHash;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What docs/scaling.md says of partitions, tags and slots is what the code does, and what Redis does. */
final class ScalingPageTest {

    private static final Pattern KEYSLOT = Pattern.compile("> CLUSTER KEYSLOT (\\S+)\n\\(integer\\) (\\d+)");
    private static final Pattern ROW = Pattern.compile("\\| P = (\\d+) \\|(.*)\\|");

    private final String page;

    ScalingPageTest() throws IOException {
        page = Files.readString(Path.of("..", "docs", "scaling.md"));
    }

    @Test
    void theSlotsOfTheExampleAreThoseOfRedis() {
        List<MatchResult> slots = KEYSLOT.matcher(page).results().toList();
        assertThat(slots)
                .hasSize(3)
                .allSatisfy(slot -> assertThat(SlotHash.getSlot(slot.group(1)))
                        .as(slot.group(1))
                        .isEqualTo(Integer.parseInt(slot.group(2))));
    }

    @Test
    void theExampleIsWhatTheCodeComputes() {
        Partitions partitions = Partitions.of(64);
        int partition = partitions.ofUser(789);
        Keys keys = partitions.keys(partition);
        int first = partition * 16384 / 64;
        String tag = keys.partitions().replaceAll(".*\\{|}.*", "");

        assertThat(page)
                .contains("user 789 with P = 64. The slot of 789 is " + SlotHash.getSlot("789"))
                .contains("so the user is in partition " + partition + ". Its slots begin at " + partition + " x 256 = "
                        + first)
                .contains("`" + tag + "` is the first tag with a slot from " + first + " to " + (first + 63))
                .contains("> CLUSTER KEYSLOT " + keys.user(789))
                .contains("`" + keys.checkins() + "` is the stream of that partition, and `"
                        + partitions.idOutside(partition, "1795169664047-0") + "` is the id of an entry in it")
                .contains("MIGRATESLOTS SLOTSRANGE " + SlotHash.getSlot(tag) + ' ' + SlotHash.getSlot(tag) + ' ');
    }

    @Test
    void theTableOfNodesIsWhatTheTagsGive() {
        int[] nodes = {3, 6, 16, 24, 48};
        List<MatchResult> rows = ROW.matcher(page).results().toList();
        assertThat(rows).hasSize(3);
        for (MatchResult row : rows) {
            int count = Integer.parseInt(row.group(1));
            String[] cells = row.group(2).split("\\|");
            for (int i = 0; i < nodes.length; i++) {
                if (!cells[i].isBlank()) {
                    assertThat(cells[i].strip()).as("%s nodes", nodes[i]).startsWith(busiest(count, nodes[i]) + " (");
                }
            }
        }
    }

    /** The most partitions on a node, if all nodes have equally many slots. */
    private static int busiest(int count, int nodes) {
        Partitions partitions = Partitions.of(count);
        int[] load = new int[nodes];
        int most = 0;
        for (int partition = 0; partition < count; partition++) {
            int node = SlotHash.getSlot(partitions.keys(partition).checkins()) * nodes / 16384;
            most = Math.max(most, ++load[node]);
        }
        return most;
    }
}
