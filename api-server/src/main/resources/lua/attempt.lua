-- Counts a login, or takes one back.
--
-- KEYS[1]  the counter, which expires
-- ARGV     to count: "count", the limit, and for how many milliseconds the first one counts. To take back: "forgive"
--
-- Returns 0, or if the limit is reached, and so nothing was counted, for how many milliseconds that lasts.
-- Run twice, it counts twice. Nothing sends it again.

local key = KEYS[1]
local count = tonumber(redis.call('GET', key) or '0')
if ARGV[1] == 'forgive' then
  if count > 0 then redis.call('DECR', key) end
  return 0
end
if count >= tonumber(ARGV[2]) then return math.max(redis.call('PTTL', key), 1) end
redis.call('INCR', key)
if count == 0 then redis.call('PEXPIRE', key, ARGV[3]) end
return 0
