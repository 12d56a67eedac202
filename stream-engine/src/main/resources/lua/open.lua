-- Creates the consumer group at the checkpoint, unless it exists. Before, drops a checkpoint and ranges of a stream that is gone.
--
-- KEYS     the stream, the checkpoint, the settled ranges
-- ARGV     the consumer group; if missing, no group is created
--
-- Returns { position, created, stale }: the checkpoint, or 0-0; 1 if the group was created; 1 if a checkpoint or ranges were dropped.
-- The first write is DEL or XACK, which Redis allows when memory is full. Safe to run twice.

local stream, checkpointKey, rangesKey = unpack(KEYS)
local group = ARGV[1]

local stale = dropStale(readStreamInfo(stream), checkpointKey, rangesKey)
local checkpoint = readCheckpoint(checkpointKey)
local position = checkpoint and unpad(checkpoint) or '0-0'
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
