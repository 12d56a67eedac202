-- Claims entries that have been pending for too long. One call covers one part of the group's pending entries.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- ARGV     the consumer group, the consumer that claims, the idle time in milliseconds, the cursor (0-0 to begin), the most entries to claim
--
-- Returns { cursor, { { id, { field, value, ... }, deliveries }, ... }, { lost ids } }: the cursor for the next call (0-0 at the end), the
-- claimed entries by ascending id, and the entries that someone deleted from the stream while they were pending. This script counts those as
-- lost, because from 7.0 on XAUTOCLAIM removes them from the pending entries, and no later call would find them.
-- Fails with NOGROUP if the stream or the group is gone. Safe to run twice: an entry that was claimed just now isn't idle.

local stream, checkpointKey, rangesKey, totalsKey, probe = unpack(KEYS)
local group, consumer, idle, cursor, most = unpack(ARGV)

-- After the claim, nothing may fail because of a missing permission or a key of the wrong type. So all commands run once before it.
readCheckpoint(checkpointKey)
readStreamInfo(stream)
redis.call('ZRANGEBYLEX', rangesKey, '-', '+', 'LIMIT', 0, 1)
redis.call('ZREVRANGEBYLEX', rangesKey, '+', '-', 'LIMIT', 0, 1)
redis.call('XPENDING', stream, group, '-', '+', 1)
redis.call('XRANGE', stream, '-', '-')
-- A claim counts as a delivery, so a Redis user that may not apply entries or set them aside must not claim them.
requirePermissions(stream, group, rangesKey, {
  { 'HSET', probe, 'probe', '1' },
  { 'XADD', probe, '*', 'probe', '1' },
})
local reply = redis.call('XAUTOCLAIM', stream, group, consumer, idle, cursor, 'COUNT', most)

local claimed, holes = {}, 0
for i = 1, #reply[2] do
  local entry = reply[2][i]
  if entry then
    local held = redis.call('XPENDING', stream, group, entry[1], entry[1], 1)[1]
    claimed[#claimed + 1] = { entry[1], entry[2], held and held[4] or 1 }
  else
    holes = holes + 1
  end
end

-- Redis 7.0 returns the ids of deleted entries. Redis 6.2 returns nil for such an entry and makes it pending with this consumer. So look for it
-- among this consumer's pending entries.
local gone = reply[3] or {}
local from = cursor
while holes > 0 do
  local page = redis.call('XPENDING', stream, group, from, '+', 1000, consumer)
  for _, held in ipairs(page) do
    if #redis.call('XRANGE', stream, held[1], held[1]) == 0 and redis.call('XACK', stream, group, held[1]) == 1 then
      gone[#gone + 1] = held[1]
      holes = holes - 1
    end
  end
  if #page < 1000 then break end
  from = '(' .. page[#page][1]
end

local lost, ranges = {}, {}
for _, id in ipairs(gone) do
  local isSettled = settledBetween(stream, checkpointKey, rangesKey, id, id, true)
  if not isSettled(id) then
    lost[#lost + 1] = id
    ranges[#ranges + 1] = rangeOver(id, id)
  end
end
writeRanges(rangesKey, ranges)
count(totalsKey, 'lost', #lost)
return { reply[1], claimed, lost }
