-- Housekeeping: moves the checkpoint forward, drops the ranges below it, trims the stream, removes consumers that are gone, and reads the
-- state of the stream and the group.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, and a key that this script doesn't use
-- ARGV[1]  the consumer group
-- ARGV[2]  how many settled entries to keep
-- ARGV[3]  the longest time to keep settled entries, in milliseconds; 0 for no limit
-- ARGV[4]  from this length of the stream on, the trim doesn't wait for other groups
-- ARGV[5]  the most entries beyond ARGV[2] to trim in this call
-- ARGV[6]  the consumer that runs this script; it is not removed
-- ARGV[7]  the idle time in milliseconds after which a consumer without pending entries is removed; 0 to remove none
--
-- Returns { stale, trimmed, more, length, pending, oldest unsettled id, last id, milliseconds now, { groups passed over },
-- { consumers removed }, { applied, dead, lost, skipped } }: stale is 1 if a checkpoint or ranges of a stream that is gone were dropped,
-- more is 1 if there is more to trim or to drop, and 2 if the script stopped before the end of the ranges, so that it doesn't know the oldest
-- unsettled id yet; an id is '' if there is none.
--
-- No unsettled entry is trimmed. While the stream is shorter than ARGV[4], no entry is trimmed that another group has not acknowledged. Redis
-- allows the writes when memory is full, each by itself or because of a write before it. Safe to run twice, and by several consumers at once.

local MOST_DROPPED = 5000
local stream, checkpointKey, rangesKey, totalsKey = unpack(KEYS, 1, 4)
local group, self = ARGV[1], ARGV[6]
local retainEntries, retainMillis, holdLength = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local mostTrimmed, reapMillis = tonumber(ARGV[5]), tonumber(ARGV[7])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local totals = readTotals(totalsKey)

local info = readStreamInfo(stream)
local stale, last = dropStale(info, checkpointKey, rangesKey)
if not last then
  return { stale and 1 or 0, 0, 0, 0, 0, '', '', now, {}, {}, totals }
end

-- The groups. A group is done with the entries below its first pending one that are not above the last delivered one.

local function map(pairs)
  local values = {}
  for i = 1, #pairs, 2 do values[pairs[i]] = pairs[i + 1] end
  return values
end

local pending, others = 0, {}
local doneByUs, hasGroup
for _, reply in ipairs(redis.call('XINFO', 'GROUPS', stream)) do
  local it = map(reply)
  local delivered = pad(it['last-delivered-id'])
  local firstPending = it.pending > 0 and redis.call('XPENDING', stream, it.name, '-', '+', 1)[1]
  if it.name == group then
    pending = it.pending
    hasGroup = true
    doneByUs = delivered < last and delivered or last
    if firstPending then
      local before = redis.call('XREVRANGE', stream, '(' .. firstPending[1], '-', 'COUNT', 1)[1]
      local done = before and pad(before[1])
      if not done then doneByUs = nil elseif done < doneByUs then doneByUs = done end
    end
  else
    local bound = delivered
    if firstPending and pad(firstPending[1]) < bound then bound = pad(firstPending[1]) end
    others[#others + 1] = { name = it.name, bound = bound }
  end
end

-- The checkpoint: up to where the group is done, then on through the ranges until there is an unsettled entry.

local before = readCheckpoint(checkpointKey)
local checkpoint = before
if doneByUs and doneByUs > (checkpoint or pad('0-0')) then checkpoint = doneByUs end
local oldest, more
checkpoint, oldest, more = settledUpTo(checkpoint, last, stream, hasGroup and group or nil, rangesKey)
if checkpoint then
  -- ranges that are left for the next call do no harm
  local top = '[' .. checkpoint .. '}' -- '}' is above the '|' after <last>
  local below = redis.call('ZRANGEBYLEX', rangesKey, '-', top, 'LIMIT', 0, MOST_DROPPED)
  redis.call('ZREMRANGEBYLEX', rangesKey, '-', #below > 0 and '[' .. below[#below] or top)
  if #below == MOST_DROPPED and more == 0 then more = 1 end
  if checkpoint ~= before then redis.call('SET', checkpointKey, unpad(checkpoint)) end
end

-- Trim at the lowest of: the retention, the checkpoint, what other groups still need.

local length = map(info).length
local excess = length - retainEntries
local point
if excess > 0 then
  local oldestEntries = redis.call('XRANGE', stream, '-', '+', 'COUNT', math.min(excess, mostTrimmed) + 1)
  point = pad(oldestEntries[#oldestEntries][1])
end
if retainMillis > 0 and now > retainMillis then
  local byAge = pad(string.format('%.0f-0', now - retainMillis))
  if not point or byAge > point then point = byAge end
end
local trimmed, passedOver = 0, {}
if point and checkpoint then
  local held = point > checkpoint
  if held then point = checkpoint end
  for _, other in ipairs(others) do
    if other.bound < point then
      if length < holdLength then
        point, held = other.bound, true
      else
        passedOver[#passedOver + 1] = other.name
      end
    end
  end
  trimmed = redis.call('XTRIM', stream, 'MINID', '=', unpad(point))
  if excess > mostTrimmed and not held and more == 0 then more = 1 end
end

-- Consumers that are gone, or seem so: before Redis 7.2, a read that finds nothing doesn't reset the idle time. If a removed consumer still
-- runs, its next read creates it again.

local removed = {}
if reapMillis > 0 and hasGroup then
  for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local it = map(reply)
    if it.pending == 0 and it.idle > reapMillis and it.name ~= self then
      redis.call('XACK', stream, group, '0-0') -- allowed when memory is full, and then so is the next
      redis.call('XGROUP', 'DELCONSUMER', stream, group, it.name)
      removed[#removed + 1] = it.name
    end
  end
end

return {
  stale and 1 or 0, trimmed, more, length - trimmed, pending, oldest, unpad(last), now, passedOver, removed, totals,
}
