-- How the stream stands. Writes nothing.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, the stream of dead letters
--
-- Returns { length, first id, last id, last generated id, groups, checkpoint, oldest unsettled id, dead letters, milliseconds now,
-- { applied, dead, lost, skipped } }, an id being '' where there is none; an empty list if there is no stream.

local stream, checkpointKey, rangesKey, totalsKey, deadKey = unpack(KEYS)
local MOST_RANGES = 1000
local HIGHEST = '18446744073709551615-18446744073709551615'

local info = readStreamInfo(stream)
if info.err then return {} end
local values = {}
for i = 1, #info, 2 do values[info[i]] = info[i + 1] end

local checkpoint = readCheckpoint(checkpointKey)
local oldest = ''
local at = checkpoint
for step = 1, MOST_RANGES do
  if at and unpad(at) == HIGHEST then break end -- Redis refuses to be asked for what comes after it
  local entry = redis.call('XRANGE', stream, at and '(' .. unpad(at) or '-', '+', 'COUNT', 1)[1]
  if not entry then break end
  local range = rangeAt(rangesKey, pad(entry[1]))
  if not (range and firstOf(range) <= pad(entry[1])) then
    oldest = entry[1]
    break
  end
  at = lastOf(range)
end

local time = redis.call('TIME')
local totals = readTotals(totalsKey)
local dead = redis.pcall('XLEN', deadKey)

local function idOf(entry) return entry and entry[1] or '' end

return {
  values.length, idOf(values['first-entry']), idOf(values['last-entry']), values['last-generated-id'], values.groups,
  checkpoint and unpad(checkpoint) or '', oldest, type(dead) == 'number' and dead or 0,
  time[1] * 1000 + math.floor(time[2] / 1000), totals,
}
