-- Sets aside entries that can't be applied: turns each into a dead letter and acknowledges it.
--
-- KEYS[1 .. 5]       the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- KEYS[6], KEYS[7]   the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV[1]            the consumer group
-- ARGV[2]            1: only an entry whose XACK here returns 1 counts. 0: sequential mode, which reads without a group
-- ARGV[3]            the consumer that runs this script; a dead letter names it if the entry isn't pending
-- then for each entry: its id; the reason; and '' if the script should copy its fields from the stream. For an entry that is too large to be copied,
-- instead of '': how many fields it has, how many of them follow here, and these, each a name and a value
--
-- A dead letter has the fields originalId, reason, deliveries, consumer, fields (how many the entry had), and then the first fields of the entry,
-- unchanged, so a name may occur twice: at most 1,000 fields, and at most 64 KB.
--
-- Returns { { ids that became dead letters }, { ids that are lost } }. An entry is lost if someone deleted it from the stream. An entry in
-- neither list was settled before, or is not pending.
-- Fails with NOGROUP if the group is gone, and with WRONGTYPE or DAMAGED if a key has the wrong type or an invalid value. A call that fails has
-- acknowledged and set aside nothing. Safe to run twice: an entry that was set aside is settled.

local MOST_FIELDS, MOST_BYTES, HIGHEST_ID = 1000, 65536, '18446744073709551615-18446744073709551615'
local stream, checkpointKey, rangesKey, totalsKey, probe, deadKey, deadIdsKey = unpack(KEYS)
local group, mustBePending, self = ARGV[1], ARGV[2] == '1', ARGV[3]

-- How many of these names and values a dead letter keeps.
local function lengthKept(fields)
  local bytes = 0
  for i = 1, math.min(#fields, 2 * MOST_FIELDS), 2 do
    bytes = bytes + #fields[i] + #fields[i + 1]
    if bytes > MOST_BYTES then return i - 1 end
  end
  return math.min(#fields, 2 * MOST_FIELDS)
end

redis.call('HLEN', deadIdsKey)
local lastDead = infoOf(readStreamInfo(deadKey), 'last-generated-id')
if lastDead and string.find(lastDead, '^18446744073709551615%-') then error('DAMAGED ' .. deadKey .. ' has no id left') end

local entries, low, high = {}, nil, nil
local at = 4
while at <= #ARGV do
  local id, reason, size = ARGV[at], ARGV[at + 1], ARGV[at + 2]
  local held = mustBePending and redis.call('XPENDING', stream, group, id, id, 1)[1]
  local entry = {
    id = id,
    reason = reason,
    consumer = held and held[2] or self,
    deliveries = held and held[4] or 0,
  }
  at = at + 3
  if size == '' then
    local body = redis.call('XRANGE', stream, id, id)[1]
    entry.fields = body and body[2]
    entry.size = body and #body[2] / 2
  else
    local given = 2 * ARGV[at]
    entry.fields = { unpack(ARGV, at + 1, at + given) }
    entry.size = size
    at = at + 1 + given
  end
  local padded = pad(id)
  if not low or padded < low then low = padded end
  if not high or padded > high then high = padded end
  entries[#entries + 1] = entry
end
local isSettled = settledBetween(stream, checkpointKey, rangesKey, unpad(low), unpad(high), mustBePending)
for _, entry in ipairs(entries) do entry.settled = isSettled(entry.id) end

local commands = {
  { 'HSET', probe, 'probe', '1', keys = { deadIdsKey } },
  { 'XADD', probe, '*', 'probe', '1', keys = { deadKey } },
}
if not mustBePending then commands = withCommandsToAdvance(commands, stream, checkpointKey, rangesKey) end
requirePermissions(stream, group, rangesKey, commands)

local dead, lost, ranges = {}, {}, {}
for _, entry in ipairs(entries) do
  local pending = redis.call('XACK', stream, group, entry.id) == 1
  if not entry.settled and (pending or not mustBePending) then
    ranges[#ranges + 1] = rangeOver(entry.id, entry.id)
    if entry.fields then
      local letter = redis.call('XADD', deadKey, '*', 'originalId', entry.id, 'reason', entry.reason,
        'deliveries', entry.deliveries, 'consumer', entry.consumer, 'fields', entry.size,
        unpack(entry.fields, 1, lengthKept(entry.fields)))
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
-- What lies above these entries may be settled already: the rest of their batch, and other batches.
if not mustBePending then advanceOver(HIGHEST_ID, stream, group, checkpointKey, rangesKey) end
return { dead, lost }
