package io.ncc.redis;

import static org.assertj.core.api.Assertions.assertThat;

import io.lettuce.core.RedisCommandExecutionException;
import io.lettuce.core.RedisCommandTimeoutException;
import io.lettuce.core.RedisConnectionException;
import io.lettuce.core.RedisException;
import java.io.IOException;
import java.util.concurrent.CompletionException;
import java.util.concurrent.ExecutionException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

final class RedisConditionTest {

    /** As the servers word them: directly, in a script on 6.2, and in a script on newer ones, which differ from each other. */
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "OUT_OF_MEMORY | OOM command not allowed when used memory > 'maxmemory'.",
                "OUT_OF_MEMORY | OOM command not allowed when used memory > 'maxmemory'. script: 5e, on @user_script:3.",
                "OUT_OF_MEMORY | ERR Error running script (call to f_5e): @user_script:3: @user_script: 3: -OOM command not allowed when used memory > 'maxmemory'.",
                "READ_ONLY | READONLY You can't write against a read only replica.",
                "READ_ONLY | ERR Error running script (call to f_1): @user_script:1: @user_script: 1: -READONLY You can't write against a read only replica.",
                "MASTER_DOWN | MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
                "LOADING | LOADING Redis is loading the dataset in memory",
                "BUSY | BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
                "PERSISTENCE_FAILING | MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
                "TOO_FEW_REPLICAS | NOREPLICAS Not enough good replicas to write.",
                "MOVED | MOVED 8338 127.0.0.1:21201",
                "MIGRATING | ASK 8338 127.0.0.1:21200",
                "MIGRATING | TRYAGAIN Multiple keys request during rehashing of slot",
                "MIGRATING | ERR Attempted to access a non local key in a cluster node script: on @user_script:1.",
                "MIGRATING | ERR Script attempted to access a non local key in a cluster node script: f3, on @user_script:1.",
                "MIGRATING | ERR Error running script (call to f_f3): @user_script:1: @user_script: 1: Lua script attempted to access a non local key in a cluster node",
                "MIGRATING | ERR Unable to execute command 'exists' in script because undeclared keys were accessed during rehashing of the slot script: 0b, on @user_script:1.",
                "CLUSTER_DOWN | CLUSTERDOWN The cluster is down",
                "CLUSTER_DOWN | CLUSTERDOWN Hash slot not served",
                "CLUSTER_DOWN | ERR Can not execute a write command 'set' while the cluster is down and readonly script: on @user_script:1.",
                "CLUSTER_DOWN | ERR Script attempted to execute a write command while the cluster is down and readonly script: 25, on @user_script:1.",
                "CLUSTER_DOWN | ERR Error running script (call to f_25): @user_script:1: @user_script: 1: Lua script attempted to execute a write command while the cluster is down and readonly",
                "TOO_MANY_CLIENTS | ERR max number of clients reached",
                "FORBIDDEN | NOAUTH Authentication required.",
                "FORBIDDEN | WRONGPASS invalid username-password pair or user is disabled.",
                "FORBIDDEN | NOPERM this user has no permissions to run the 'hset' command or its subcommand",
                "FORBIDDEN | ERR Error running script (call to f_4b): @user_script:9: @user_script: 9: The user executing the script can't run this command or subcommand",
                "IDS_EXHAUSTED | ERR The stream has exhausted the last possible ID, unable to add more items",
                "UNBLOCKED | UNBLOCKED the stream key no longer exists",
                "UNBLOCKED | UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
                "NO_GROUP | NOGROUP No such key 'ncc:checkins' or consumer group 'checkinConsumers' in XREADGROUP with GROUP option",
                "NO_GROUP | ERR The XGROUP subcommand requires the key to exist. Note that for CREATE you may want to use the MKSTREAM option to create an empty stream automatically.",
                "NO_GROUP | ERR Error running script (call to f_1): @user_script:9: @user_script: 9: NOGROUP No such key 'ncc:checkins' or consumer group 'g'",
                "NO_SCRIPT | NOSCRIPT No matching script. Please use EVAL.",
                "WRONG_TYPE | WRONGTYPE Operation against a key holding the wrong kind of value",
                "UNEXPECTED | ERR Invalid stream ID specified as stream command argument",
                "UNEXPECTED | ERR unknown command 'XLOOM'",
                "UNEXPECTED | CROSSSLOT Keys in request don't hash to the same slot"
            })
    void anErrorIsNamedWhereverItsCodeStands(RedisCondition expected, String message) {
        assertThat(RedisCondition.of(new RedisCommandExecutionException(message)))
                .isEqualTo(expected);
        assertThat(RedisCondition.of(
                        new ExecutionException(new CompletionException(new RedisCommandExecutionException(message)))))
                .isEqualTo(expected);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "DAMAGED k:users is not a sorted set",
                "ERR user_script:37: DAMAGED k:users is not a sorted set script: 5e, on @user_script:37.",
                "ERR Error running script (call to f_5e): @user_script:37: user_script:37: DAMAGED k:users is not a sorted set",
                "ERR Error running script (call to f_5e): @user_script:37: @user_script: 37: DAMAGED k:users is not a sorted set"
            })
    void whatIsDamagedIsWhatTheScriptSays(String message) {
        var failure = new RedisCommandExecutionException(message);
        assertThat(RedisCondition.of(failure)).isEqualTo(RedisCondition.WRONG_TYPE);
        assertThat(RedisCondition.damageIn(failure)).isEqualTo("k:users is not a sorted set");
        assertThat(RedisCondition.damageIn(new RedisException(new CompletionException(failure))))
                .isEqualTo("k:users is not a sorted set");
        assertThat(RedisCondition.damageIn(new RedisException("WRONGTYPE Operation against a key")))
                .isNull();
    }

    @Test
    void noConnectionAndNoAnswerAreToldApart() {
        assertThat(RedisCondition.of(new RedisConnectionException("Not connected")))
                .isEqualTo(RedisCondition.AWAY);
        assertThat(RedisCondition.of(new RedisException("Connection closed"))).isEqualTo(RedisCondition.AWAY);
        assertThat(RedisCondition.of(new IOException("Connection reset by peer")))
                .isEqualTo(RedisCondition.AWAY);
        assertThat(RedisCondition.of(new RedisCommandTimeoutException("Command timed out")))
                .isEqualTo(RedisCondition.TIMEOUT);
    }

    @Test
    void aConnectionThatTheServerRefusedHasTheServersReason() {
        var refused = new RedisConnectionException(
                "Unable to connect", new RedisCommandExecutionException("WRONGPASS invalid username-password pair"));
        assertThat(RedisCondition.of(refused)).isEqualTo(RedisCondition.FORBIDDEN);
    }

    @Test
    void aServerThatMustNotBeUsedIsUnfitWhateverTheReasonSays() {
        var refusal = new UnfitServerException("an OOM, it says");
        assertThat(RedisCondition.of(refusal)).isEqualTo(RedisCondition.UNFIT);
        assertThat(RedisCondition.of(new RedisConnectionException("Not connected", refusal)))
                .isEqualTo(RedisCondition.UNFIT);
        assertThat(RedisCondition.UNFIT.isOutage()).isTrue();
    }

    @Test
    void aConnectionThatFailedForWhateverReasonIsAway() {
        var failed = new RedisConnectionException("Unable to connect", new IllegalStateException("not registered"));
        assertThat(RedisCondition.of(new RedisConnectionException("Not connected", failed)))
                .isEqualTo(RedisCondition.AWAY);
    }

    @Test
    void aProgrammingErrorIsNoOutage() {
        assertThat(RedisCondition.of(new RedisException(new IllegalStateException("bug"))))
                .isEqualTo(RedisCondition.UNEXPECTED);
        assertThat(RedisCondition.of(new IllegalStateException("bug"))).isEqualTo(RedisCondition.UNEXPECTED);
        assertThat(RedisCondition.UNEXPECTED.isOutage()).isFalse();
    }
}
