-- Moves the consumer group forward to the checkpoint. A processor in sequential mode runs it when it stops. Otherwise a program that reads in the
-- group afterwards would get settled entries as new ones.
--
-- KEYS     the stream, the checkpoint
-- ARGV     the consumer group
--
-- Returns where the group stands now, or '' if it was not moved, because it doesn't exist or isn't below the checkpoint. What is pending stays so.
-- The first write is XACK, which Redis allows when memory is full. Safe to run twice, and while others read in the group: all that they don't get
-- because of it is settled.

local stream, checkpointKey = unpack(KEYS)
local group = ARGV[1]

local checkpoint = readCheckpoint(checkpointKey)
local info = checkpoint and readGroupInfo(stream, group)
if not info or pad(infoOf(info, 'last-delivered-id')) >= checkpoint then return '' end
redis.call('XACK', stream, group, '0-0')
redis.call('XGROUP', 'SETID', stream, group, unpad(checkpoint))
return unpad(checkpoint)
