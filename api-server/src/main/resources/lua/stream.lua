-- How the stream stands. Writes nothing.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, the stream of dead letters
-- ARGV     the processor's consumer group
--
-- Returns { length, first id, last id, last generated id, groups, checkpoint, oldest unsettled id, dead letters, milliseconds now,
-- { applied, dead, lost, skipped } }, an id being '' where there is none; an empty list if there is no stream. A total, and the number of dead letters,
-- is a string: '' if its key holds something else.

local stream, checkpointKey, rangesKey, totalsKey, deadKey = unpack(KEYS)
local group = ARGV[1]

local info = readStreamInfo(stream)
if info.err then return {} end
local values = {}
for i = 1, #info, 2 do values[info[i]] = info[i + 1] end

local checkpoint = readCheckpoint(checkpointKey)
local hasGroup = false
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  for i = 1, #reply, 2 do
    if reply[i] == 'name' and reply[i + 1] == group then hasGroup = true end
  end
end
local _, oldest =
  settledUpTo(checkpoint, pad(values['last-generated-id']), stream, hasGroup and group or nil, rangesKey)

local time = redis.call('TIME')
local dead = redis.pcall('XLEN', deadKey)

-- Of a hash that isn't one, or fields that are no numbers, it isn't known how many there were.
local totals = { '', '', '', '' }
local counted = redis.pcall('HMGET', totalsKey, 'applied', 'dead', 'lost', 'skipped')
for i = 1, counted.err and 0 or 4 do totals[i] = string.match(counted[i] or '0', '^%d+$') or '' end

local function idOf(entry) return entry and entry[1] or '' end

return {
  values.length, idOf(values['first-entry']), idOf(values['last-entry']), values['last-generated-id'], values.groups,
  checkpoint and unpad(checkpoint) or '', oldest, type(dead) == 'number' and tostring(dead) or '',
  time[1] * 1000 + math.floor(time[2] / 1000), totals,
}
