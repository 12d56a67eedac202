-- How the stream stands. Writes nothing.
--
-- KEYS     the stream; then for each projection its checkpoint, settled ranges, totals and stream of dead letters
-- ARGV     the consumer group of each projection
--
-- Returns { length, first id, last id, last generated id, groups, milliseconds now, a projection, ... }; an empty list if there is no stream. A projection is
-- { 1 if it has a group or a checkpoint, else 0; checkpoint, oldest unsettled id, dead letters, { applied, dead, lost, skipped, foreign, missed } }. An id is ''
-- where there is none. A total, and the number of dead letters, is a string: '' if its key holds something else than a number of up to 18 digits.

local stream = KEYS[1]

local info = readStreamInfo(stream)
if info.err then return {} end
local values = {}
for i = 1, #info, 2 do values[info[i]] = info[i + 1] end

local groups = {}
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do groups[infoOf(reply, 'name')] = true end

local function idOf(entry) return entry and entry[1] or '' end

local time = redis.call('TIME')
local state = {
  values.length, idOf(values['first-entry']), idOf(values['last-entry']), values['last-generated-id'], values.groups,
  time[1] * 1000 + math.floor(time[2] / 1000),
}
for g, group in ipairs(ARGV) do
  local checkpointKey, rangesKey, totalsKey, deadKey = unpack(KEYS, 4 * g - 2, 4 * g + 1)
  local checkpoint = readCheckpoint(checkpointKey)
  local _, oldest =
    settledUpTo(checkpoint, pad(values['last-generated-id']), stream, groups[group] and group or nil, rangesKey)
  local dead = redis.pcall('XLEN', deadKey)
  -- Of a hash that isn't one, or fields that are no such numbers, it isn't known how many there were.
  local totals = { '', '', '', '', '', '' }
  local counted = redis.pcall('HMGET', totalsKey, 'applied', 'dead', 'lost', 'skipped', 'foreign', 'missed')
  for i = 1, counted.err and 0 or 6 do
    local total = counted[i] or '0'
    totals[i] = #total <= 18 and string.match(total, '^%d+$') or ''
  end
  state[#state + 1] = {
    (groups[group] or checkpoint) and 1 or 0, checkpoint and unpad(checkpoint) or '', oldest,
    type(dead) == 'number' and string.format('%.0f', dead) or '', totals,
  }
end
return state
