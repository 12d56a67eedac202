-- Makes the consumer group if it isn't there, where it has to go on, and drops what is known of a stream that is gone.
--
-- KEYS     the stream, the checkpoint, the settled ranges
-- ARGV     the consumer group; none to make none
--
-- Returns { position, created, stale }: the checkpoint, or 0-0; 1 if the group was made; 1 if a checkpoint or ranges were dropped.
-- The first write is one that Redis allows when memory is full. Safe to run twice.

local stream, checkpointKey, rangesKey = unpack(KEYS)
local group = ARGV[1]

local stale = dropStale(readStreamInfo(stream), checkpointKey, rangesKey)
local position = redis.call('GET', checkpointKey) or '0-0'
local created = 0
if group then
  redis.call('XACK', stream, group, '0-0')
  local reply = redis.pcall('XGROUP', 'CREATE', stream, group, position, 'MKSTREAM')
  if not reply.err then
    created = 1
  elseif not string.find(reply.err, 'BUSYGROUP', 1, true) then
    error(reply.err)
  end
end
return { position, created, stale and 1 or 0 }
