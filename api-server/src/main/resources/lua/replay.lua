-- Puts dead letters of a group back into the stream, each once: as a new entry with replayOf, the id of the original; replayFor, the group, as other
-- groups have settled the original; and then the fields of the original. At the beginning, the first two don't make an entry too large for a processor.
-- It stops when the stream has as many entries as it may have.
--
-- KEYS     the stream, the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV[1]  the most entries that the stream may have
-- ARGV[2]  the group
-- ARGV[3..] ids of dead letters
--
-- Returns { 1 if it stopped because the stream is full, else 0, id, id of the new entry, ... } with the ids of those that were replayed. Left out are ids
-- that are no dead letters (any more), and dead letters that don't have all fields of their entry. The hash then has 'replayed <new id>' for the original,
-- by which its status is found.
-- Fails with OOM when memory is full, and with NOPERM for a user who may not do all of it; then nothing has changed: what comes before the first XADD
-- changes nothing. Safe to run twice: what was replayed is no dead letter.

local stream, deadKey, deadIdsKey = unpack(KEYS)
local most, group = tonumber(ARGV[1]), ARGV[2]
local MOST_FIELDS = 1000
local OWN = 10 -- originalId, reason, deliveries, consumer, fields, each with its value

redis.call('HLEN', deadIdsKey)
local replayed = { 0 }
for i = 3, #ARGV do
  local letter = ARGV[i]
  local entry = redis.call('XRANGE', deadKey, letter, letter)[1]
  local values = entry and entry[2] or {}
  local count = (#values - OWN) / 2
  if values[1] == 'originalId' and count >= 1 and count <= MOST_FIELDS and values[OWN] == tostring(count) then
    if redis.call('XLEN', stream) >= most then
      replayed[1] = 1
      break
    end
    local fields = { 'replayOf', values[2], 'replayFor', group }
    for j = OWN + 1, #values, 2 do
      if values[j] == 'replayOf' then
        fields[2] = values[j + 1] -- of a field that is repeated the last counts
      elseif values[j] ~= 'replayFor' then
        fields[#fields + 1] = values[j]
        fields[#fields + 1] = values[j + 1]
      end
    end
    redis.call('HSET', deadIdsKey, values[2], letter) -- as it is
    redis.call('XDEL', deadKey, '0-0')
    local id = redis.call('XADD', stream, '*', unpack(fields))
    redis.call('HSET', deadIdsKey, values[2], 'replayed ' .. id)
    redis.call('XDEL', deadKey, letter)
    replayed[#replayed + 1] = letter
    replayed[#replayed + 1] = id
  end
end
return replayed
