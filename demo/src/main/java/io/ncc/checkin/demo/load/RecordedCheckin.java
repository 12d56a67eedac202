package io.ncc.checkin.demo.load;

import io.ncc.checkin.model.Checkin;
import io.ncc.redis.StreamId;

/** A checkin of the past, with the id under which the stream is to have it. */
public record RecordedCheckin(StreamId id, Checkin checkin) {}
