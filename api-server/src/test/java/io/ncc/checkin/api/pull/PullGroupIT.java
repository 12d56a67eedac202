package io.ncc.checkin.api.pull;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.awaitility.Awaitility.await;

import io.lettuce.core.Consumer;
import io.lettuce.core.RedisClient;
import io.lettuce.core.ScriptOutputType;
import io.lettuce.core.XGroupCreateArgs;
import io.lettuce.core.XReadArgs.StreamOffset;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Partitions;
import io.ncc.checkin.service.PartitionCheck;
import io.ncc.checkin.service.PartitionLinks;
import io.ncc.checkin.testsupport.RealRedis;
import io.ncc.redis.SingleRedis;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.springframework.web.ErrorResponseException;

/** What pulls that read at the same time do to each other. Here nobody calls the group besides the tests. */
@Timeout(60)
final class PullGroupIT {

    @RegisterExtension
    static final RealRedis redis = RealRedis.server();

    private static final Partitions PARTITIONS = Partitions.of(4);
    private static final Duration SOON = Duration.ofMillis(100);

    private final RedisClient client = RedisClient.create(redis.uri());
    private final SingleRedis server = new SingleRedis(client);
    private final PartitionLinks links =
            new PartitionLinks("test", PARTITIONS, server, new PartitionCheck(PARTITIONS, server));
    private final PullGroup group = new PullGroup(links, PARTITIONS, "g");

    @BeforeEach
    void start() {
        links.start();
        for (int partition : PARTITIONS.all()) {
            redis.commands()
                    .xgroupCreate(
                            StreamOffset.from(stream(partition), "0"), "g", XGroupCreateArgs.Builder.mkstream(true));
        }
    }

    @AfterEach
    void stop() {
        redis.resume();
        links.stop();
        client.shutdown(0, 2, TimeUnit.SECONDS);
    }

    private static String stream(int partition) {
        return PARTITIONS.keys(partition).checkins();
    }

    private static String add(int partition) {
        return redis.commands().xadd(stream(partition), CheckinCodec.encode(new Checkin(1, 1, 1))) + "-" + partition;
    }

    private static long pending() {
        return PARTITIONS.all().stream()
                .mapToLong(partition ->
                        redis.commands().xpending(stream(partition), "g").getCount())
                .sum();
    }

    /** A pull that waits without end if it finds nothing. */
    private Pull begin(String consumer) {
        return begin(consumer, Duration.ofMinutes(1));
    }

    private Pull begin(String consumer, Duration claimAfter) {
        Pull pull = new Pull(new Pull.Request(consumer, 10, claimAfter, false, false));
        group.begin(pull, () -> group.await(pull));
        return pull;
    }

    private Pull beginToWait(String consumer) {
        return beginToWait(consumer, Duration.ofMinutes(1));
    }

    private Pull beginToWait(String consumer, Duration claimAfter) {
        int before = group.waiting();
        Pull pull = begin(consumer, claimAfter);
        await().until(() -> group.waiting() > before);
        return pull;
    }

    /** A pull that doesn't wait. */
    private List<String> pull(String consumer, int count, Duration claimAfter) {
        Pull pull = new Pull(new Pull.Request(consumer, count, claimAfter, false, false));
        group.begin(pull, () -> pull.complete(List.of()));
        return ids(pull);
    }

    /** Lets a consumer that nobody knows hold everything for a while. */
    @SuppressWarnings("unchecked") // of Lettuce's generic varargs
    private static void deliverToDead(int partition) {
        redis.commands().xreadgroup(Consumer.from("g", "dead"), StreamOffset.lastConsumed(stream(partition)));
        LockSupport.parkNanos(SOON.multipliedBy(2).toNanos());
    }

    private void callEverywhere() {
        BitSet all = new BitSet();
        all.set(0, PARTITIONS.count());
        group.call(all);
    }

    private static List<String> ids(Pull pull) {
        return pull.answer().orTimeout(20, TimeUnit.SECONDS).join().stream()
                .map(item -> item.checkin().id().toString())
                .toList();
    }

    @Test
    void anOlderPullThatReadsForLongerDoesNotEndALaterOne() {
        // the older one, which begins there, goes round again after it
        redis.commands().xadd(stream(1), Map.of("not", "a checkin"));
        redis.pause();
        Pull older = begin("one");
        Pull later = begin("one");
        redis.resume();
        await().until(older.answer()::isDone);
        assertThatExceptionOfType(CompletionException.class)
                .isThrownBy(older.answer()::join)
                .withCauseInstanceOf(ErrorResponseException.class)
                .withMessageContaining("A later pull");
        await().until(() -> group.waiting() == 1);
        String id = add(2);
        callEverywhere();
        assertThat(ids(later)).containsExactly(id);
    }

    @Test
    void aPullWhoseClientIsGoneReadsNoFurther() {
        PARTITIONS.all().forEach(PullGroupIT::add);
        redis.pause();
        Pull pull = begin("gone");
        pull.complete(List.of());
        redis.resume();
        await().during(Duration.ofMillis(300)).until(() -> pending() == 1); // which it was reading
        assertThat(ids(begin("there"))).hasSize(3);
    }

    @Test
    void whatAPullWhoseClientIsGoneHasNotReadComesAtOnceToWhoWaits() {
        Pull gone = beginToWait("gone");
        Pull there = beginToWait("there");
        PARTITIONS.all().forEach(PullGroupIT::add);
        redis.pause();
        callEverywhere();
        gone.complete(List.of());
        redis.resume();
        assertThat(ids(there)).hasSize(3);
    }

    @Test
    void onePartitionThatFailsAloneDoesNotEndAPullThatWaits() {
        Pull pull = beginToWait("one");
        links.of(3).stop();
        call(3);
        String id = add(2);
        callEverywhere();
        assertThat(ids(pull)).containsExactly(id);
    }

    @Test
    void onePartitionThatFailsAloneDoesNotMakeTheEndOfAPullAFailure() {
        Pull pull = beginToWait("one");
        links.of(3).stop();
        call(3);
        group.expire(pull);
        assertThat(ids(pull)).isEmpty();
    }

    @Test
    void whatCameElsewhereWhileAPartitionFailedAloneIsReadAtOnce() {
        Pull pull = beginToWait("one");
        String id = add(2);
        redis.pause();
        call(3);
        call(2);
        links.of(3).stop();
        redis.resume();
        assertThat(ids(pull)).containsExactly(id);
    }

    @Test
    void aPullClaimsSoonAlthoughAnotherOneThatClaimsLaterWaits() {
        String id = add(2);
        deliverToDead(2);
        beginToWait("later");
        group.tick();
        assertThat(pull("sooner", 10, SOON)).containsExactly(id);
    }

    @Test
    void aPullThatWaitsBehindOneThatClaimsLaterClaimsSoon() {
        Pull later = beginToWait("later");
        Pull sooner = beginToWait("sooner", SOON);
        String id = add(2);
        deliverToDead(2);
        group.tick();
        assertThat(ids(sooner)).containsExactly(id);
        assertThat(later.answer()).isNotDone();
    }

    @Test
    void thoseWhoWaitClaimOneAfterTheOtherAtOnce() {
        beginToWait("later");
        List<Pull> sooner = List.of(beginToWait("one", SOON), beginToWait("two", SOON));
        for (int i = 0; i < 15; i++) {
            add(2);
        }
        deliverToDead(2);
        group.tick();
        assertThat(ids(sooner.get(0))).hasSize(10);
        assertThat(ids(sooner.get(1))).hasSize(5);
    }

    @Test
    void whatIsNewComesToThePullThatHasWaitedLongest() {
        Pull longest = beginToWait("longest");
        Pull sooner = beginToWait("sooner", SOON);
        String id = add(2);
        group.tick();
        assertThat(ids(longest)).containsExactly(id);
        assertThat(sooner.answer()).isNotDone();
    }

    /** Each look passes over 1,000 entries. */
    @Test
    void aPullThatClaimsLaterDoesNotPassOverEntriesForOthers() {
        String first = add(2);
        redis.commands()
                .eval(
                        "for i = 1, 1500 do redis.call('XADD', KEYS[1], '*', 'userId', 1, 'locationId', 1, 'starRating', 1) end",
                        ScriptOutputType.STATUS,
                        stream(2));
        deliverToDead(2);
        assertThat(pull("later", 1, Duration.ofMinutes(1))).isEmpty();
        assertThat(pull("sooner", 1, SOON)).containsExactly(first);
    }

    @Test
    void aLookForPendingEntriesIsRareWhateverClaimAfterIs() {
        add(2);
        deliverToDead(2);
        long before = redis.calls("xautoclaim");
        long start = System.nanoTime();
        for (int i = 0; i < 40; i++) {
            assertThat(pull("one", 1, Duration.ofSeconds(30 + i))).isEmpty();
        }
        long seconds = Duration.ofNanos(System.nanoTime() - start).toSeconds();
        assertThat(redis.calls("xautoclaim") - before).isLessThanOrEqualTo(3L * PARTITIONS.count() * (seconds + 1));
    }

    @Test
    void eachPendingEntryHasItsTurnAlsoIfClaimAfterVaries() throws InterruptedException {
        List<String> ids = Stream.generate(() -> add(2)).limit(60).toList();
        deliverToDead(2);
        List<String> claimed = new ArrayList<>();
        for (int i = 0; i < 6; i++) {
            Thread.sleep(40); // each of them may be claimed again
            claimed.addAll(pull("one", 10, Duration.ofMillis(16 + i)));
        }
        assertThat(claimed).isEqualTo(ids);
    }

    private void call(int partition) {
        BitSet one = new BitSet();
        one.set(partition);
        group.call(one);
    }
}
