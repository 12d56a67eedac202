-- Makes a consumer group, and the stream if there is none.
--
-- KEYS     the stream
-- ARGV     the group; where it begins: 0, $ or an id
--
-- Returns 1 if it was made, 0 if there was one already. Safe to run twice.

local reply = redis.pcall('XGROUP', 'CREATE', KEYS[1], ARGV[1], ARGV[2], 'MKSTREAM')
if not reply.err then return 1 end
if string.find(reply.err, 'BUSYGROUP', 1, true) then return 0 end
error(reply.err)
