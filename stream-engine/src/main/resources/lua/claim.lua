-- Claims entries that have been pending for too long. One call covers one part of the group's pending entries.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- ARGV     the consumer group, the consumer that claims, the idle time in milliseconds, the cursor (0-0 to begin), the most entries to claim
--
-- Returns { cursor, { claimed ids }, { lost ids } }: where to go on (0-0 at the end), the ids that the consumer holds now, ascending, and the ids
-- that someone deleted from the stream. From Redis 7.0 on, XAUTOCLAIM removes deleted ids from the pending entries, so this script counts them as
-- lost. Redis 6.2 claims them like others; the consumer notices when it reads them.
-- The script reads no entry, so their size doesn't matter. The claim doesn't count as a delivery; the read that follows does.
-- Fails with NOGROUP if the stream or the group is gone. Safe to run twice: an entry that was just claimed isn't idle.

local stream, checkpointKey, rangesKey, totalsKey, probe = unpack(KEYS)
local group, consumer, idle, cursor, most = unpack(ARGV)

-- After the claim, nothing may fail because of a missing permission or a key of the wrong type. So all commands run once before it.
readCheckpoint(checkpointKey)
rangeAt(rangesKey, '')
highestRange(rangesKey)
-- A consumer that lacks the permissions to apply or dead-letter entries must not claim them.
redis.call('XPENDING', stream, group, '-', '+', 1)
redis.call('XRANGE', stream, '-', '-')
requirePermissions(stream, group, rangesKey, {
  { 'HSET', probe, 'probe', '1' },
  { 'XADD', probe, '*', 'probe', '1' },
  { 'XINFO', 'STREAM', probe }, -- of the stream itself it would copy the first and the last entry
})
local reply = redis.call('XAUTOCLAIM', stream, group, consumer, idle, cursor, 'COUNT', most, 'JUSTID')

local gone, lost = reply[3] or {}, {}
if #gone > 0 then
  local ranges = {}
  local isSettled = settledBetween(stream, checkpointKey, rangesKey, gone[1], gone[#gone], true)
  for _, id in ipairs(gone) do
    if not isSettled(id) then
      lost[#lost + 1] = id
      ranges[#ranges + 1] = rangeOver(id, id)
    end
  end
  writeRanges(rangesKey, ranges)
  count(totalsKey, 'lost', #lost)
end
return { reply[1], reply[2], lost }
