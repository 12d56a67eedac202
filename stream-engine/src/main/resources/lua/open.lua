-- Registers the projection, and creates the consumer group at the checkpoint, unless they exist. Before, drops a checkpoint and ranges of a stream
-- that is gone.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the projections of the stream, the totals, and one that doesn't exist, as adopt.lua has it
-- ARGV[1]  the consumer group
-- ARGV[2]  1 to create the group
--
-- Returns { position, created, stale, missed }: the checkpoint, or 0-0; 1 if the group was created; 1 if a checkpoint or ranges were dropped; for a
-- projection that is new, and whose group nobody has read, how many entries are no longer in the stream, which Redis knows from 7.0 on. They are
-- noted in the totals.
-- The first write is DEL or XACK, which Redis allows when memory is full. Safe to run twice.

local stream, checkpointKey, rangesKey, projectionsKey, totalsKey = unpack(KEYS)
local group, create = ARGV[1], ARGV[2] == '1'

local stale, _, info = dropStale(stream, checkpointKey, rangesKey)
local checkpoint = readCheckpoint(checkpointKey)
local position = checkpoint and unpad(checkpoint) or '0-0'
local created = 0
redis.call('XACK', stream, group, '0-0')
if create then
  local reply = redis.pcall('XGROUP', 'CREATE', stream, group, position, 'MKSTREAM')
  if not reply.err then
    created = 1
  elseif not string.find(reply.err, 'BUSYGROUP', 1, true) then
    error(reply.err)
  end
end

-- Others may have read the group before it had a checkpoint.
local function isUnread()
  local read = readGroupInfo(stream, group)
  return not read or infoOf(read, 'last-delivered-id') == '0-0'
end

local missed = 0
if redis.call('HSETNX', projectionsKey, group, position) == 1 then
  if not checkpoint and isUnread() then
    missed = math.max((infoOf(info, 'entries-added') or 0) - (infoOf(info, 'length') or 0), 0)
    count(totalsKey, 'missed', missed)
  end
elseif stale then
  redis.call('HSET', projectionsKey, group, position)
end
return { position, created, stale and 1 or 0, missed }
