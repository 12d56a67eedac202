-- Discards a dead letter.
--
-- KEYS     the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV     the id of a dead letter
--
-- Returns 1 if it was one. The hash then has 'discarded' for the original, so that it doesn't pass for applied. XDEL is allowed when memory is full,
-- and what comes after it, too; the first one deletes nothing. Fails with NOPERM for a user who may not do both; then nothing is lost. Safe to run twice.

local deadKey, deadIdsKey = unpack(KEYS)
redis.call('HLEN', deadIdsKey)
local entry = redis.call('XRANGE', deadKey, ARGV[1], ARGV[1])[1]
if not entry then return 0 end
redis.call('XDEL', deadKey, '0-0')
if entry[2][1] == 'originalId' then redis.call('HSET', deadIdsKey, entry[2][2], 'discarded') end
redis.call('XDEL', deadKey, ARGV[1])
return 1
