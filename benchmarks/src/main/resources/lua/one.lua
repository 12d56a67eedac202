-- Counts one checkin, as the usual examples do: no guard, nothing is validated, and the caller acknowledges the entry afterwards.
--
-- KEYS  the user, the location
-- ARGV  the entry's id, its milliseconds, the user's id, the location's id, the stars

redis.call('HINCRBY', KEYS[1], 'numCheckins', 1)
redis.call('HSET', KEYS[1], 'id', ARGV[3], 'lastCheckin', ARGV[2], 'lastCheckinId', ARGV[1], 'lastSeenAt', ARGV[4])
local total = redis.call('HINCRBY', KEYS[2], 'numCheckins', 1)
local stars = redis.call('HINCRBY', KEYS[2], 'numStars', ARGV[5])
redis.call('HSET', KEYS[2], 'id', ARGV[4], 'averageStars', math.floor((2 * stars + total) / (2 * total)))
return 1
