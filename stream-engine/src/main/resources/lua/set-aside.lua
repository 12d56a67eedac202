-- Sets entries aside that can't be applied: each becomes a dead letter and is acknowledged, in one.
--
-- KEYS[1 .. 5]       the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- KEYS[6], KEYS[7]   the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV[1]            the consumer group
-- ARGV[2]            1: only an entry whose XACK here returns 1 counts. 0: sequential mode, which reads without a group
-- ARGV[3]            the name of the consumer that asks, for entries that nobody holds
-- then for each entry: its id, the reason
--
-- A dead letter has the fields originalId, reason, deliveries, consumer, fields (how many the entry had) and then those of the entry, the
-- first 1,000 of them, unchanged: a name may stand twice.
--
-- Returns { { ids that became dead letters }, { ids that are lost } }. Lost is what is no longer in the stream: someone deleted it. An entry
-- in neither was settled before, or is not pending.
-- Fails with NOGROUP if the group is gone, WRONGTYPE or DAMAGED if one of the keys is not what it should be. A call that fails has changed
-- nothing: the first write is XACK. Safe to run twice: what was set aside is settled.

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

local add, gap, writeRanges = newRanges(false)
local dead, lost = {}, {}
for _, entry in ipairs(entries) do
  local pending = redis.call('XACK', stream, group, entry.id) == 1
  if not entry.settled and (pending or not mustBePending) then
    add(entry.id)
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
writeRanges(rangesKey)
count(totalsKey, 'dead', #dead)
count(totalsKey, 'lost', #lost)
return { dead, lost }
