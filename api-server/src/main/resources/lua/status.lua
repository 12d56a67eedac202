-- Tells what became of entries, all at one moment. Writes nothing.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the stream of dead letters, the hash of entry id -> dead letter id
-- ARGV[1]  the consumer group of a projection
-- ARGV[2..] ids of entries
--
-- Returns for each { id, state, a, b, id of its replay or '', { field, value, ... } }: the fields are those of the entry, none if it is not in the
-- stream. The states, with a and b where they have some:
--   applied      a is 1 if it is below the checkpoint, and then it may also have been acknowledged by others, else 0
--   elsewhere    acknowledged by others without being applied
--   dead         a is the reason, b the id of the dead letter, or '' if it was discarded
--   processing   a is the consumer, b how often it was delivered
--   queued       it waits in the stream
--   trimmed      settled, and no longer in the stream
--   unprocessed  in the stream, of which there is neither a group nor a checkpoint
--   unknown      none of these
-- The state of a dead letter that was replayed is that of the replay.

local stream, checkpointKey, rangesKey, deadKey, deadIdsKey = unpack(KEYS)
local group = ARGV[1]
local MOST_REPLAYS = 100

local function reasonOf(letter)
  local entry = redis.call('XRANGE', deadKey, letter, letter)[1]
  local fields = entry and entry[2] or {}
  for i = 1, #fields, 2 do
    if fields[i] == 'reason' then return fields[i + 1] end
  end
  return ''
end

-- Whether the group is past an entry. If it is then neither settled nor pending, someone else acknowledged it.
local function wasDelivered(id)
  local info = readGroupInfo(stream, group)
  return info and pad(id) <= pad(infoOf(info, 'last-delivered-id'))
end

local function stateOf(id)
  local checkpoint = readCheckpoint(checkpointKey)
  local below = checkpoint and pad(id) <= checkpoint
  local exists = #redis.call('XRANGE', stream, id, id) > 0
  if below or rangeOf(rangesKey, pad(id)) then return exists and 'applied' or 'trimmed', below and 1 or 0, 0 end
  local held = redis.pcall('XPENDING', stream, group, id, id, 1)
  if held[1] and not held.err then return 'processing', held[1][2], held[1][4] end
  if not exists then return 'unknown', '', 0 end
  if not held.err and wasDelivered(id) then return 'elsewhere', '', 0 end
  return (held.err and not checkpoint) and 'unprocessed' or 'queued', '', 0
end

-- Follows a dead letter to its replay, and that to its own, if it died as well.
local function standing(id)
  local replay = ''
  for step = 1, MOST_REPLAYS do
    local current = replay == '' and id or replay
    local dead = redis.call('HGET', deadIdsKey, current)
    if not dead then
      local state, a, b = stateOf(current)
      return state, a, b, replay
    end
    local next = string.match(dead, '^replayed (.*)$')
    if not next then
      if dead == 'discarded' then return 'dead', 'discarded', '', replay end
      return 'dead', reasonOf(dead), dead, replay
    end
    replay = next
  end
  return 'unknown', '', 0, replay
end

local replies = {}
for i = 2, #ARGV do
  local id = ARGV[i]
  local entry = redis.call('XRANGE', stream, id, id)[1]
  local state, a, b, replay = standing(id)
  replies[#replies + 1] = { id, state, a, b, replay, entry and entry[2] or {} }
end
return replies
