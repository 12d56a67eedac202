-- Sets aside entries that can't be applied: turns each into a dead letter and acknowledges it.
--
-- KEYS[1 .. 5]       the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- KEYS[6], KEYS[7]   the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV[1]            the consumer group
-- ARGV[2]            1: only an entry whose XACK here returns 1 counts. 0: sequential mode, which reads without a group
-- ARGV[3]            the consumer that runs this script; a dead letter names it if the entry isn't pending
-- then for each entry: its id, the reason
--
-- A dead letter has the fields originalId, reason, deliveries, consumer and fields (how many the entry had), and then the first 1,000 fields of
-- the entry, unchanged. So it may have two fields of the same name.
--
-- Returns { { ids that became dead letters }, { ids that are lost } }. An entry is lost if someone deleted it from the stream. An entry in
-- neither list was settled before, or is not pending.
-- Fails with NOGROUP if the group is gone, and with WRONGTYPE or DAMAGED if a key has the wrong type or an invalid value. A call that fails has
-- acknowledged and set aside nothing. Safe to run twice: an entry that was set aside is settled.

local MOST_FIELDS = 1000
local stream, checkpointKey, rangesKey, totalsKey, probe, deadKey, deadIdsKey = unpack(KEYS)
local group, mustBePending, self = ARGV[1], ARGV[2] == '1', ARGV[3]

redis.call('HLEN', deadIdsKey)
local deadInfo = readStreamInfo(deadKey)
for i = 1, #deadInfo, 2 do
  if deadInfo[i] == 'last-generated-id' and string.find(deadInfo[i + 1], '^18446744073709551615%-') then
    error('DAMAGED ' .. deadKey .. ' has no id left')
  end
end

local entries = {}
for i = 4, #ARGV, 2 do
  local id = ARGV[i]
  local held = mustBePending and redis.call('XPENDING', stream, group, id, id, 1)[1]
  local isSettled = settledBetween(stream, checkpointKey, rangesKey, id, id, mustBePending)
  entries[#entries + 1] = {
    id = id,
    reason = ARGV[i + 1],
    consumer = held and held[2] or self,
    deliveries = held and held[4] or 0,
    settled = isSettled(id),
    body = redis.call('XRANGE', stream, id, id)[1],
  }
end

requirePermissions(stream, group, rangesKey, {
  { 'HSET', probe, 'probe', '1' },
  { 'XADD', probe, '*', 'probe', '1' },
})

local dead, lost, ranges = {}, {}, {}
for _, entry in ipairs(entries) do
  local pending = redis.call('XACK', stream, group, entry.id) == 1
  if not entry.settled and (pending or not mustBePending) then
    ranges[#ranges + 1] = rangeOver(entry.id, entry.id)
    if entry.body then
      local fields = entry.body[2]
      local letter = redis.call('XADD', deadKey, '*', 'originalId', entry.id, 'reason', entry.reason,
        'deliveries', entry.deliveries, 'consumer', entry.consumer, 'fields', #fields / 2,
        unpack(fields, 1, math.min(#fields, 2 * MOST_FIELDS)))
      redis.call('HSET', deadIdsKey, entry.id, letter)
      dead[#dead + 1] = entry.id
    else
      lost[#lost + 1] = entry.id
    end
  end
end
writeRanges(rangesKey, ranges)
count(totalsKey, 'dead', #dead)
count(totalsKey, 'lost', #lost)
return { dead, lost }
