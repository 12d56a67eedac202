package io.ncc.checkin.receiver;

import io.lettuce.core.RedisException;
import io.ncc.checkin.model.Checkin;
import io.ncc.checkin.model.CheckinCodec;
import io.ncc.checkin.model.Keys;
import io.ncc.checkin.model.StreamId;
import io.ncc.checkin.service.ProblemType;
import io.ncc.checkin.service.RedisCondition;
import io.ncc.checkin.service.RedisLink;
import org.springframework.web.ErrorResponseException;

/** Appends checkins to the stream. The only class of the receiver that knows Redis. */
final class CheckinAppender {

    private final RedisLink redis;
    private final String stream;

    CheckinAppender(RedisLink redis, Keys keys) {
        this.redis = redis;
        this.stream = keys.checkins();
    }

    /**
     * Appends one checkin and returns its id once Redis has accepted it.
     *
     * @throws ErrorResponseException a problem: {@link ProblemType#REDIS_UNAVAILABLE} if the checkin is not in the stream,
     *     {@link ProblemType#OUTCOME_UNKNOWN} if it was sent and there is no telling
     */
    StreamId append(Checkin checkin) {
        if (!redis.isConnected()) {
            throw ProblemType.REDIS_UNAVAILABLE.exception(
                    "Redis is away. The checkin was not stored. Try again later.");
        }
        try {
            return StreamId.parse(redis.call(commands -> commands.xadd(stream, CheckinCodec.encode(checkin))));
        } catch (RedisException e) {
            RedisCondition condition = RedisCondition.of(e);
            if (condition == RedisCondition.AWAY || condition == RedisCondition.TIMEOUT) {
                throw ProblemType.OUTCOME_UNKNOWN.exception(
                        "Redis didn't answer. The checkin may or may not be stored; sent again it may be stored twice.",
                        e);
            }
            if (condition.isOutage()) {
                throw ProblemType.REDIS_UNAVAILABLE.exception(
                        "Redis refuses writes at the moment. The checkin was not stored. Try again later.", e);
            }
            throw e;
        }
    }
}
