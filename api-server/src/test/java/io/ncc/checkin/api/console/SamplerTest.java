package io.ncc.checkin.api.console;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisConnectionException;
import io.ncc.checkin.api.partition.CheckinId;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.Partitions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

final class SamplerTest {

    private static final long START = 1_700_000_000_000L;
    private static final FiguresReader.Answer AWAY =
            new FiguresReader.Answer(null, new RedisConnectionException("Not connected"));

    private final Sampler sampler = new Sampler(1, 1_000);

    private static CheckinId id(int partition, String id) {
        return CheckinId.of(Partitions.of(4), partition, id);
    }

    /** What a partition answers. Everything that isn't given is nothing. */
    private static final class Partition {

        private final long time;
        private @Nullable Long appended = 0L;
        private @Nullable Long lag = 0L;
        private @Nullable Long behind = 0L;
        private long applied;
        private long dead;
        private final List<Figures.DeadLetters> deadLetters = new ArrayList<>();
        private final List<Figures.Entry> entries = new ArrayList<>();
        private final List<Figures.Group> groups = new ArrayList<>();

        Partition(long second) {
            this.time = START + second * 1000;
        }

        Partition appended(@Nullable Long count) {
            appended = count;
            return this;
        }

        Partition applied(long count) {
            applied = count;
            return this;
        }

        Partition backlog(@Nullable Long undelivered, @Nullable Long age) {
            lag = undelivered;
            behind = age;
            return this;
        }

        Partition dead(long count, String newest) {
            dead = count;
            return deadOf(Keys.GROUP, count, newest);
        }

        Partition deadOf(String group, long count, String newest) {
            deadLetters.add(new Figures.DeadLetters(group, count, newestDead(group, newest)));
            return this;
        }

        Partition pending(String entry, String consumer, long deliveries) {
            entries.add(new Figures.Entry(id(0, entry), consumer, 5, deliveries));
            return this;
        }

        Partition other(String name, boolean processor, @Nullable Long age) {
            groups.add(new Figures.Group(name, processor, 0, 0L, null, age, 0L, 0L, 0L, null, 0, List.of(), List.of()));
            return this;
        }

        FiguresReader.Answer answer() {
            groups.add(new Figures.Group(
                    Keys.GROUP,
                    true,
                    entries.size(),
                    lag,
                    null,
                    behind,
                    applied,
                    0L,
                    dead,
                    null,
                    0,
                    List.of(),
                    entries));
            return new FiguresReader.Answer(
                    new Figures(time, 0, null, null, appended, deadLetters, groups.size(), groups), null);
        }
    }

    private static Figures.NewestDead newestDead(String group, String id) {
        return new Figures.NewestDead(group, id(0, id), "1-1-0", "broken");
    }

    private Sampler.Observed observe(Partition... partitions) {
        return sampler.observe(Arrays.stream(partitions).map(Partition::answer).toList(), 0);
    }

    private Sample.Rates rates(Partition partition) {
        return ((Sample) observe(partition).sample()).rates();
    }

    @Test
    void ratesAreDifferencesOfTotalsOverDifferencesOfTheTimeOfRedis() {
        assertThat(rates(new Partition(0).appended(1_000L).applied(900)))
                .isEqualTo(new Sample.Rates(null, null, null, null));
        assertThat(rates(new Partition(2).appended(1_100L).applied(901)))
                .isEqualTo(new Sample.Rates(50.0, 50.0, 0.5, 0.5));
        assertThat(rates(new Partition(3).appended(1_100L).applied(1_100)))
                .isEqualTo(new Sample.Rates(0.0, 33.3, 199.0, 66.7));
    }

    @Test
    void tenSecondsAfterTheLastEntryEveryRateIsZero() {
        rates(new Partition(0));
        rates(new Partition(1).appended(500L).applied(500));
        Sample.Rates rates = rates(new Partition(2).appended(500L).applied(500));
        assertThat(rates.accepted()).isZero();
        assertThat(rates.accepted10()).isEqualTo(250);
        for (int second = 3; second <= 11; second++) {
            rates = rates(new Partition(second).appended(500L).applied(500));
        }
        assertThat(rates).isEqualTo(new Sample.Rates(0.0, 0.0, 0.0, 0.0));
    }

    @Test
    void aTotalThatFallsIsAGapAndNeverNegative() {
        rates(new Partition(0).appended(1_000L).applied(1_000));
        rates(new Partition(1).appended(1_010L).applied(1_010));
        Sample.Rates fallen = rates(new Partition(2).appended(3L).applied(2));
        assertThat(fallen.accepted()).isNull();
        assertThat(fallen.applied()).isNull();
        assertThat(fallen.accepted10()).isEqualTo(10);
        assertThat(rates(new Partition(3).appended(8L).applied(2)).accepted()).isEqualTo(5);
        assertThat(sampler.fine().accepted()).containsExactly(10.0, null, 5.0);
    }

    @Test
    void anOutageIsAGapAndNotZeroAndWhatCameMeanwhileIsNoPeakAfterIt() {
        rates(new Partition(0));
        rates(new Partition(1).appended(10L));
        assertThat(sampler.observe(List.of(AWAY), 0).sample()).isInstanceOfSatisfying(Sample.Outage.class, outage -> {
            assertThat(outage.time()).isNull();
            assertThat(outage.available()).isFalse();
            assertThat(outage.reason()).isEqualTo("AWAY");
        });
        assertThat(rates(new Partition(5).appended(5_000L))).isEqualTo(new Sample.Rates(null, null, null, null));
        assertThat(rates(new Partition(6).appended(5_007L)).accepted()).isEqualTo(7);
        assertThat(sampler.fine().accepted()).containsExactly(10.0, null, null, null, null, 7.0);
        assertThat(sampler.fine().pending()).containsExactly(0L, 0L, null, null, null, 0L);
    }

    @Test
    void anOutageHasTheTimeOfItsBeginning() {
        long since = ((Sample.Outage) sampler.observe(List.of(AWAY), 0).sample()).since();
        assertThat(since).isBetween(System.currentTimeMillis() - 1_000, System.currentTimeMillis());
        assertThat(((Sample.Outage) sampler.observe(List.of(AWAY), 0).sample()).since())
                .isEqualTo(since);
    }

    @Test
    void whereTheServerDoesNotCountTheTailDoes() {
        observeSeen(new Partition(0).appended(null), 100);
        Sample sample = observeSeen(new Partition(1).appended(null), 130);
        assertThat(sample.rates().accepted()).isEqualTo(30);
        assertThat(sample.accepted()).isEqualTo(30);
    }

    private Sample observeSeen(Partition partition, long seen) {
        return (Sample) sampler.observe(List.of(partition.answer()), seen).sample();
    }

    @Test
    void partitionsAreSummedUpAndThoseThatAreAwayAreNamed() {
        Sampler ofTwo = new Sampler(2, 1_000);
        FiguresReader.Answer first = new Partition(0).appended(10L).answer();
        ofTwo.observe(List.of(first, new Partition(0).appended(20L).answer()), 0);
        Sample sample = (Sample) ofTwo.observe(
                        List.of(
                                new Partition(1).appended(13L).answer(),
                                new Partition(2).appended(28L).answer()),
                        0)
                .sample();
        assertThat(sample.accepted()).isEqualTo(41);
        assertThat(sample.rates().accepted()).isEqualTo(7);
        assertThat(sample.away()).isEmpty();
        sample = (Sample)
                ofTwo.observe(List.of(AWAY, new Partition(3).appended(30L).answer()), 0)
                        .sample();
        assertThat(sample.away()).containsExactly(0);
        assertThat(sample.accepted()).isEqualTo(30);
        assertThat(sample.rates().accepted()).isEqualTo(2);
        sample = (Sample) ofTwo.observe(
                        List.of(
                                new Partition(9).appended(5_000L).answer(),
                                new Partition(4).appended(31L).answer()),
                        0)
                .sample();
        assertThat(sample.away()).isEmpty();
        assertThat(sample.rates().accepted()).isEqualTo(1); // what came to the other meanwhile is no peak
    }

    @Test
    void theTimeUntilAllIsDoneFollowsFromHowTheBacklogFalls() {
        assertThat(drain(new Partition(0).backlog(1_000L, 50_000L))).isNull();
        assertThat(drain(new Partition(1).backlog(900L, 50_000L))).isNull(); // too early to tell
        assertThat(drain(new Partition(2).backlog(800L, 50_000L))).isEqualTo(8);
        assertThat(drain(new Partition(3).backlog(1_001L, 50_000L))).isNull();
        assertThat(drain(new Partition(4).backlog(0L, 0L))).isZero();
    }

    @Test
    void whereTheServerDoesNotKnowTheLagTheAgeOfTheOldestEntryTells() {
        drain(new Partition(0).backlog(null, 40_000L));
        assertThat(drain(new Partition(4).backlog(null, 30_000L))).isEqualTo(12);
        assertThat(drain(new Partition(5).backlog(null, null))).isNull();
    }

    private @Nullable Long drain(Partition partition) {
        return ((Sample) observe(partition).sample()).groups().get(0).drain();
    }

    @Test
    void theHistoryOfBehindIsThatOfTheProcessorsGroupThatIsFurthestBehind() {
        observe(new Partition(0));
        observe(new Partition(1).backlog(0L, 500L).other(Keys.BOARDS_GROUP, true, 9_000L));
        observe(new Partition(2).backlog(0L, 7_000L).other(Keys.BOARDS_GROUP, true, 0L));
        observe(new Partition(3).backlog(0L, 500L).other(Keys.BOARDS_GROUP, true, null));
        observe(new Partition(4).backlog(0L, 500L).other(Keys.BOARDS_GROUP, true, null));
        observe(new Partition(5).backlog(0L, 500L).other("others", false, 9_000L));
        // a step has the highest of the samples at its beginning and its end
        assertThat(sampler.fine().behind()).containsExactly(9_000L, 9_000L, 7_000L, null, 500L);
    }

    @Test
    void aClaimNamesBothConsumersOnce() {
        observe(new Partition(0).pending("1-1", "a", 1).pending("1-2", "a", 1));
        List<Sampler.Claim> claims = observe(new Partition(1)
                        .pending("1-1", "b", 2)
                        .pending("1-2", "a", 2)
                        .pending("1-3", "b", 1))
                .claims();
        assertThat(claims).containsExactly(new Sampler.Claim(Keys.GROUP, id(0, "1-1"), "a", "b", 2, START + 1_000));
        assertThat(observe(new Partition(2).pending("1-1", "b", 2)).claims()).isEmpty();
    }

    @Test
    void deadLettersAreToldOnceAndThoseOfBeforeAreNot() {
        assertThat(observe(new Partition(0).dead(5, "7-0")).dead()).isNull();
        assertThat(observe(new Partition(1).dead(5, "7-0")).dead()).isNull();
        Sampler.Dead dead = observe(new Partition(2).dead(8, "9-0")).dead();
        assertThat(dead).isEqualTo(new Sampler.Dead(3, newestDead(Keys.GROUP, "9-0")));
        assertThat(observe(new Partition(3).dead(8, "7-0")).dead()).isNull(); // the newest was discarded
    }

    @Test
    void theDeadLettersOfEachGroupAreToldAndSummedUp() {
        observe(new Partition(0).dead(5, "7-0").deadOf(Keys.BOARDS_GROUP, 2, "8-0"));
        Sampler.Observed observed = observe(new Partition(1).dead(5, "7-0").deadOf(Keys.BOARDS_GROUP, 3, "9-0"));
        assertThat(observed.dead()).isEqualTo(new Sampler.Dead(1, newestDead(Keys.BOARDS_GROUP, "9-0")));
        assertThat(((Sample) observed.sample()).deadLetters()).isEqualTo(8);
        observed = observe(new Partition(2).dead(6, "9-1").deadOf(Keys.BOARDS_GROUP, 3, "9-0"));
        assertThat(observed.dead()).isEqualTo(new Sampler.Dead(1, newestDead(Keys.GROUP, "9-1")));
    }
}
