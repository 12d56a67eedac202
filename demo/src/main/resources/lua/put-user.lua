-- Writes fields of a user, and makes the index of e-mail addresses agree with the user's hash. To run it twice changes nothing.
--
-- KEYS  the user; the index
-- ARGV  the id in 19 digits; then the fields, as put.lua says
--
-- Fails with DAMAGED if a key is of another type, and writes nothing if it fails.

local user, index = KEYS[1], KEYS[2]

-- An address as it is in the index: string.lower knows A to Z only.
local function entry(address) return string.lower(address) .. '|' .. ARGV[1] end

-- Read and check.

local failure = damageOf(user, 'hash', 'HGET', 'email')
  or damageOf(index, 'sorted set', 'ZCARD')
  or refusalOf('ZADD', index, 'XX', 0, '')
  or refusalOf('ZREM', index, '')
  or refusalOfFields(user, 2)
if failure then return failure end

-- Write, first what Redis refuses if its memory is full.

local before = redis.call('HGET', user, 'email')
writeFields(user, 2)
local address = redis.call('HGET', user, 'email')
if address then redis.call('ZADD', index, 0, entry(address)) end
if before and before ~= address and entry(before) ~= entry(address) then redis.call('ZREM', index, entry(before)) end
