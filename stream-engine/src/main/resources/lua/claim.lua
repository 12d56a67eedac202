-- Claims entries that their consumers have held for too long: one step of a walk through the group's pending entries.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- ARGV     the consumer group, the consumer that claims, the idle time in milliseconds, the cursor (0-0 to begin), the most to claim
--
-- Returns { cursor, { { id, { field, value, ... }, deliveries }, ... }, { lost ids } }: where to go on (0-0 at the end), the claimed entries
-- by ascending id, and those that no longer are in the stream because someone deleted them. The latter are acknowledged and counted here:
-- from 7.0 on XAUTOCLAIM itself takes them out of the pending entries, so there is no later.
-- Fails with NOGROUP if the stream or the group is gone. Safe to run twice: what was claimed just now isn't idle.

local stream, checkpointKey, rangesKey, totalsKey, probe = unpack(KEYS)
local group, consumer, idle, cursor, most = unpack(ARGV)

-- What follows the claim must not fail for want of a permission, or because a key is not what it should be.
readCheckpoint(checkpointKey)
readStreamInfo(stream)
redis.call('ZRANGEBYLEX', rangesKey, '-', '+', 'LIMIT', 0, 1)
redis.call('ZREVRANGEBYLEX', rangesKey, '+', '-', 'LIMIT', 0, 1)
redis.call('XPENDING', stream, group, '-', '+', 1)
redis.call('XRANGE', stream, '-', '-')
-- A claim counts as a delivery, so whoever may not apply or set aside what is claimed must not claim.
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

-- 7.0 names what is deleted. 6.2 gives nil without an id, and moves it to this consumer: look for it among what the consumer holds.
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

local lost = {}
local add, gap, writeRanges = newRanges(false)
for _, id in ipairs(gone) do
  local isSettled = settledBetween(stream, checkpointKey, rangesKey, id, id, true)
  if not isSettled(id) then
    lost[#lost + 1] = id
    add(id)
  end
end
writeRanges(rangesKey)
count(totalsKey, 'lost', #lost)
return { reply[1], claimed, lost }
