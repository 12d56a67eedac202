-- Writes fields of a user, and makes the index of e-mail addresses agree with the user's hash. To run it twice changes nothing.
--
-- KEYS  the user; the index
-- ARGV  the id in 19 digits; then the fields to write, each a name and a value; none if only the index is to be mended

local user, index = KEYS[1], KEYS[2]

-- An address as it is in the index: string.lower knows A to Z only.
local function entry(address) return string.lower(address) .. '|' .. ARGV[1] end

-- Read and check.

local before = redis.call('HGET', user, 'email')
redis.call('ZCARD', index)

-- Write, first what Redis refuses if its memory is full.

if #ARGV > 1 then redis.call('HSET', user, unpack(ARGV, 2)) end
local address = redis.call('HGET', user, 'email')
if address then redis.call('ZADD', index, 0, entry(address)) end
if before and before ~= address and entry(before) ~= entry(address) then redis.call('ZREM', index, entry(before)) end
