-- How the stream of a partition and its groups stand, for those who watch them. Writes nothing. Its work is bounded, however much there is.
--
-- KEYS     the stream, then for each group of a processor: the checkpoint, the settled ranges, the totals, the stream of dead letters
-- ARGV     the groups of the processor
--
-- Returns { milliseconds now, length, first id, last id, entries ever appended, { dead letters, ... }, groups, { group, ... } }. An id is '' where there is
-- none, and so is a number that isn't known, or isn't from 0 to 10^18 - 1, which is a string else. The dead letters of each group of a processor are { group, number, newest }, where the
-- newest is { id, id of the entry, reason }, or empty if there is none. Each group is { name, number of the processor's group or 0, pending, lag, checkpoint,
-- oldest unsettled id, applied, skipped, dead, consumers, { { name, idle, pending }, ... }, { { id, consumer, idle, deliveries }, ... } }. Its oldest unsettled
-- id is '?' if it isn't known.

local stream = KEYS[1]
local MOST_GROUPS = 20
local MOST_CONSUMERS = 100 -- of a group
local MOST_LISTED = 1000 -- consumers of all groups: Redis lists all of a group, or none
local MOST_PENDING = 50 -- of a group
local listed = 0

local function idOf(entry) return entry and entry[1] or '' end

-- tostring() would write large ones as 1e+14
local function numberOf(value)
  return type(value) == 'number' and value >= 0 and value < 1e18 and string.format('%.0f', value) or ''
end

local function totalOf(text) return #text <= 18 and string.match(text, '^%d+$') or '' end

local function consumersOf(group, count)
  local consumers = {}
  if listed + count > MOST_LISTED then return consumers end
  listed = listed + count
  for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    consumers[#consumers + 1] = { infoOf(reply, 'name'), infoOf(reply, 'idle'), infoOf(reply, 'pending') }
  end
  if #consumers <= MOST_CONSUMERS then return consumers end
  table.sort(consumers, function(a, b)
    if a[3] ~= b[3] then return a[3] > b[3] end
    if a[2] ~= b[2] then return a[2] < b[2] end
    return a[1] < b[1]
  end)
  local most = {}
  for i = 1, MOST_CONSUMERS do most[i] = consumers[i] end
  return most
end

-- Of a group that isn't the processor's: the first entry that is pending, or wasn't delivered.
local function oldestOf(pending, lastDelivered)
  if pending[1] then return pending[1][1] end
  local next = redis.pcall('XRANGE', stream, '(' .. lastDelivered, '+', 'COUNT', 1)
  return idOf(not next.err and next[1]) -- an error is that of the highest id there is
end

local function figuresOf(name, own, reply, last)
  local pending, consumers = {}, 0
  local lag, lastDelivered
  if reply then
    pending = redis.call('XPENDING', stream, name, '-', '+', MOST_PENDING)
    consumers = infoOf(reply, 'consumers')
    lastDelivered = infoOf(reply, 'last-delivered-id')
    -- the server's own figure can be wrong after trims and restarts, but not this
    lag = lastDelivered == last and 0 or infoOf(reply, 'lag')
  end
  local checkpoint, oldest = '', '?'
  local totals = { '', '', '' }
  if own > 0 then
    local checkpointKey, rangesKey, totalsKey = unpack(KEYS, 4 * own - 2)
    local known, read = pcall(readCheckpoint, checkpointKey)
    if known then
      checkpoint = read and unpad(read) or ''
      local found, _, first, more = pcall(settledUpTo, read, pad(last), stream, reply and name or nil, rangesKey)
      if found and more == 0 then oldest = first end
    end
    -- of a hash that isn't one, or fields that are no such numbers, it isn't known how many there were
    local counted = redis.pcall('HMGET', totalsKey, 'applied', 'skipped', 'dead')
    for i = 1, counted.err and 0 or 3 do totals[i] = totalOf(counted[i] or '0') end
  else
    oldest = oldestOf(pending, lastDelivered)
  end
  return {
    name, own, reply and infoOf(reply, 'pending') or 0, numberOf(lag), checkpoint, oldest, totals[1], totals[2], totals[3],
    consumers, reply and consumersOf(name, consumers) or {}, pending,
  }
end

local function newestIn(deadKey)
  local reply = redis.pcall('XREVRANGE', deadKey, '+', '-', 'COUNT', 1)
  local entry = not reply.err and reply[1]
  if not entry then return {} end
  local values = {}
  for i = 1, math.min(#entry[2], 10), 2 do values[entry[2][i]] = entry[2][i + 1] end
  return { entry[1], values.originalId or '', string.sub(values.reason or '', 1, 1000) }
end

local function deadLetters()
  local all = {}
  for i, group in ipairs(ARGV) do
    local deadKey = KEYS[4 * i + 1]
    all[i] = { group, numberOf(redis.pcall('XLEN', deadKey)), newestIn(deadKey) }
  end
  return all
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local info = readStreamInfo(stream)
if info.err then return { now, 0, '', '', '0', deadLetters(), 0, {} } end

local last = infoOf(info, 'last-generated-id')
local replies, others = {}, {}
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local name = infoOf(reply, 'name')
  replies[name] = reply
  others[#others + 1] = name
end
local groups, isOwn = {}, {}
for i, name in ipairs(ARGV) do
  isOwn[name] = true
  if replies[name] or redis.call('EXISTS', KEYS[4 * i - 2], KEYS[4 * i]) > 0 then
    groups[#groups + 1] = figuresOf(name, i, replies[name], last)
  end
end
local count = #groups
for _, name in ipairs(others) do
  if not isOwn[name] then
    count = count + 1
    if #groups < MOST_GROUPS then groups[#groups + 1] = figuresOf(name, 0, replies[name], last) end
  end
end

return {
  now, infoOf(info, 'length'), idOf(infoOf(info, 'first-entry')), idOf(infoOf(info, 'last-entry')),
  numberOf(infoOf(info, 'entries-added')), deadLetters(), count, groups,
}
