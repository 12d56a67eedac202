-- Housekeeping: moves the checkpoint forward, drops the ranges below it, merges those above it, trims the stream, and reads the state of the group.
--
-- KEYS     the stream, the checkpoint, the settled ranges, the totals, one that doesn't exist (as adopt.lua has it), the projections of the stream
-- ARGV[1]  the consumer group
-- ARGV[2]  how many settled entries to keep
-- ARGV[3]  the longest time to keep settled entries, in milliseconds; 0 for no limit
-- ARGV[4]  from this length of the stream on, the trim waits only for projections, not for other groups
-- ARGV[5]  the most entries beyond ARGV[2] to trim in this call
-- ARGV[6]  the consumer that runs this script; it is not removed
-- ARGV[7]  the idle time in milliseconds after which a consumer without pending entries is removed; 0 to remove none
-- ARGV[8]  the milliseconds now by the clock of the caller: what is to be trimmed for its age must be old by this clock, too
--
-- Returns { stale, trimmed, more, length, pending, oldest unsettled id, last id, milliseconds now, { groups passed over },
-- { consumers removed }, { applied, dead, lost, skipped, foreign, missed }, reloaded, { projections waited for } }: the last id may be the last one that the group has read; stale is 1 if a checkpoint or ranges of a stream that is gone were dropped,
-- reloaded is 1 if the stream was replaced by another one that the checkpoint fits as well, and that has entries up to there,
-- more is 1 if there is more to trim, to drop or to join, 2 if the ranges have not been gone through to their end, so that the oldest unsettled id
-- is not known yet; an id is '' where there is none.
--
-- Nothing unsettled is trimmed, and nothing that another projection hasn't settled. While the stream is shorter than ARGV[4], nothing is trimmed
-- that another group hasn't acknowledged. From there on, the projections at which the trim had to stop are returned. Each write
-- is one that Redis allows when memory is full, or comes after one. Safe to run twice, and by several at once.
-- Fails with WRONGTYPE or DAMAGED if one of the first keys is not what it should be, and has then changed nothing. A damaged range between the lowest and
-- the highest is noticed only when it is its turn; what was changed until then is right.

local MOST_JOINED, MOST_COPIED, MOST_REMOVED, HIGHEST_ID = 1000, 100, 1000, '18446744073709551615-18446744073709551615'
local stream, checkpointKey, rangesKey, totalsKey, _, projectionsKey = unpack(KEYS)
local group, self = ARGV[1], ARGV[6]
local retainEntries, retainMillis, holdLength = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local mostTrimmed, reapMillis, callersNow = tonumber(ARGV[5]), tonumber(ARGV[7]), tonumber(ARGV[8])

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

local totalNames = { 'applied', 'dead', 'lost', 'skipped', 'foreign', 'missed' }
local totals = redis.pcall('HMGET', totalsKey, unpack(totalNames))
if totals.err then
  error(string.find(totals.err, 'WRONGTYPE', 1, true) and 'DAMAGED ' .. totalsKey .. ' is not a hash' or totals.err)
end
for i, name in ipairs(totalNames) do
  totals[i] = totals[i] or '0'
  -- HINCRBY takes neither leading zeros nor more than 63 bits.
  if totals[i] ~= '0' and not string.match(totals[i], '^[1-9]%d*$') or #totals[i] > 18 then
    error('DAMAGED ' .. totalsKey .. ': ' .. name .. ' is not a number, or too high')
  end
end

local projections = {} -- the group of each projection -> its padded checkpoint
local reply = redis.pcall('HGETALL', projectionsKey)
if reply.err then
  error(string.find(reply.err, 'WRONGTYPE', 1, true) and 'DAMAGED ' .. projectionsKey .. ' is not a hash' or reply.err)
end
for i = 1, #reply, 2 do
  if not string.match(reply[i + 1], '^%d+%-%d+$') then
    error('DAMAGED ' .. projectionsKey .. ': ' .. reply[i] .. ' is not a stream id')
  end
  projections[reply[i]] = pad(reply[i + 1])
end

local groups = redis.pcall('XINFO', 'GROUPS', stream)
if groups.err and redis.call('EXISTS', stream) == 1 then error(groups.err) end
local ours
local readBy = {} -- a group that is known to have read this stream -> the padded id up to which it has
for _, reply in ipairs(groups) do
  local name = infoOf(reply, 'name')
  if name == group then ours = reply end
  if infoOf(reply, 'entries-read') then readBy[name] = pad(infoOf(reply, 'last-delivered-id')) end
end

-- XINFO STREAM copies the first and the last entry, however large they are. It isn't needed while the group has read all that is settled: the
-- checkpoint and the ranges belong to this stream then. From 7.0 on, the group knows how many entries it has read, unless someone moved it.

local stale, last, added = false, nil, nil
local lastOfStream -- the padded last id of the stream, nil if it isn't known
local delivered, entriesRead = ours and pad(infoOf(ours, 'last-delivered-id')), ours and infoOf(ours, 'entries-read')
local checkpointBefore = readCheckpoint(checkpointKey)
rangeAt(rangesKey, '') -- fails if the lowest is not a range
local highest = highestRange(rangesKey)
-- Ranges are removed before the checkpoint, or the range that they become, is written.
if highest then requirePermissions(stream, group, rangesKey, withCommandsToAdvance({}, stream, checkpointKey, rangesKey)) end
if entriesRead and (not checkpointBefore or checkpointBefore <= delivered) and (not highest or lastOf(highest) <= delivered) then
  last = delivered
  local lag = infoOf(ours, 'lag')
  added = lag and entriesRead + lag
else
  local info
  stale, last, info = dropStale(stream, checkpointKey, rangesKey)
  lastOfStream = last
  if not last then
    return { stale and 1 or 0, 0, 0, 0, 0, '', '', now, {}, {}, totals, 0, {} }
  end
  added = infoOf(info, 'entries-added')
end

-- Our group. An entry of a group is done with when it is below the first pending one, and not above the last one that was delivered.

local function firstPending(reply)
  return infoOf(reply, 'pending') > 0 and redis.call('XPENDING', stream, infoOf(reply, 'name'), '-', '+', 1)[1]
end

local pending, doneByUs = 0, nil
if ours then
  pending = infoOf(ours, 'pending')
  local held = firstPending(ours)
  doneByUs = delivered < last and delivered or last
  if held then
    local upTo = '(' .. held[1]
    local done = checkpointBefore
    if not done or done >= pad(held[1]) or #redis.call('XRANGE', stream, '(' .. unpad(done), upTo, 'COUNT', 1) > 0 then
      local before = redis.call('XREVRANGE', stream, upTo, '-', 'COUNT', 1)[1]
      done = before and pad(before[1])
    end
    if not done then doneByUs = nil elseif done < doneByUs then doneByUs = done end
  end
end

-- The checkpoint: up to where the group is done, then on through the ranges until there is an unsettled entry.

local from = readCheckpoint(checkpointKey)
if doneByUs and doneByUs > (from or pad('0-0')) then from = doneByUs end
local checkpoint, oldest, more = advance(from, HIGHEST_ID, stream, ours and group, checkpointKey, rangesKey)

local own = checkpoint or pad('0-0')
if projections[group] ~= own then
  redis.call('XACK', stream, group, '0-0') -- allowed when memory is full, and then so is the next
  redis.call('HSET', projectionsKey, group, unpad(own))
end

-- Join neighbouring ranges that have no unsettled entry between them. Begin with the lowest.

-- Says whether something unsettled lies between two ranges: a pending entry, or one that is only in the stream. Such an entry is copied to see it,
-- so one call copies no more than MOST_COPIED of them, or a large one.
local copied = 0
local function between(range, following)
  local after, before = '(' .. unpad(lastOf(range)), '(' .. unpad(firstOf(following))
  if ours and redis.call('XPENDING', stream, group, after, before, 1)[1] then return true end
  local entry = redis.call('XRANGE', stream, after, before, 'COUNT', 1)[1]
  if not entry then return false end
  copied = isLarge(entry) and MOST_COPIED or copied + 1
  return true
end

local above = checkpoint and '(' .. checkpoint .. '}' or '-'
local ranges = redis.call('ZRANGEBYLEX', rangesKey, above, '+', 'LIMIT', 0, MOST_JOINED + 1)
for _, range in ipairs(ranges) do checked(rangesKey, range) end
local from = 1
for i = 2, #ranges + 1 do
  if not ranges[i] or between(ranges[i - 1], ranges[i]) then
    if from < i - 1 then
      redis.call('ZREMRANGEBYLEX', rangesKey, '[' .. ranges[from], '[' .. ranges[i - 1])
      redis.call('ZADD', rangesKey, 0, lastOf(ranges[i - 1]) .. '|' .. firstOf(ranges[from]))
      if #ranges > MOST_JOINED and more == 0 then more = 1 end
    end
    if copied == MOST_COPIED then break end
    from = i
  end
end

-- From 7.0 on, Redis counts the entries that were ever added to a stream, and so one can tell how many were removed. If there are fewer of either
-- than at the last call, it is another stream. Its entries up to the checkpoint of that call were not applied, unless the checkpoint was dropped.
-- After some deletions the group knows of too few, so the stream has the last word. This comes before the trim, which removes entries, too.

local length = redis.call('XLEN', stream)
local addedBefore = tonumber(redis.call('HGET', totalsKey, 'added') or 0) or 0
local removedBefore = tonumber(redis.call('HGET', totalsKey, 'removed') or 0) or 0
local function isAnother() return added < addedBefore or added - length < removedBefore end

if added and isAnother() then added = infoOf(readStreamInfo(stream), 'entries-added') end
local formerly = checkpointBefore and not stale and projections[group]
local reloaded = formerly and added and isAnother() and redis.call('XRANGE', stream, '-', unpad(formerly), 'COUNT', 1)[1]

-- Trim at the lowest of: the retention, the checkpoints of all projections, what other groups still need.

local excess = length - retainEntries
local age = math.min(now, callersNow) - retainMillis
local byAge = retainMillis > 0 and age > 0 and pad(string.format('%.0f-0', age))
local trimmed, passedOver, waitedFor = 0, {}, {}

-- A projection may be ahead of our group. Only what is above the last id of the stream is of a stream that is gone.
local function isOfThisStream(name, settled)
  if settled <= last or readBy[name] and settled <= readBy[name] then return true end
  lastOfStream = lastOfStream or pad(infoOf(readStreamInfo(stream), 'last-generated-id'))
  return settled <= lastOfStream
end

local function trim(...)
  local count = redis.call('XTRIM', stream, 'MINID', ...)
  trimmed, excess = trimmed + count, excess - count
end

if checkpoint and (excess > 0 or byAge) then
  local bound, behind, unsettled = checkpoint, {}, {}
  for name, needed in pairs(projections) do
    if name ~= group then
      if not isOfThisStream(name, needed) then needed = pad('0-0') end
      if needed < checkpoint then unsettled[#unsettled + 1] = { name = name, needed = needed } end
      if needed < bound then bound = needed end
    end
  end
  for _, reply in ipairs(groups) do
    local name = infoOf(reply, 'name')
    if name ~= group and not projections[name] then
      local needed, held = pad(infoOf(reply, 'last-delivered-id')), firstPending(reply)
      if held and pad(held[1]) < needed then needed = pad(held[1]) end
      if length >= holdLength then
        behind[#behind + 1] = { name = name, needed = needed }
      elseif needed < bound then
        bound = needed
      end
    end
  end

  if byAge then trim('=', unpad(byAge < bound and byAge or bound)) end
  if excess > 0 and bound > pad('0-0') then
    -- Whole nodes of the stream, without a look at their entries: no id from the bound on, and no more than the limit.
    local some, before = math.min(excess, mostTrimmed), trimmed
    trim('~', unpad(bound), 'LIMIT', some)
    some = some - (trimmed - before)
    if excess > some and trimmed > before then
      if more == 0 then more = 1 end
    elseif some > 0 then
      -- The rest is within one node.
      local rest = redis.call('XRANGE', stream, '-', '(' .. unpad(bound), 'COUNT', some + 1)
      if rest[1] then trim('=', rest[some + 1] and rest[some + 1][1] or unpad(bound)) end
      if rest[some + 1] and excess > 0 and more == 0 then more = 1 end
    end
  end

  local stopped = length >= holdLength and excess > 0 and unsettled[1]
  if stopped or trimmed > 0 and behind[1] then
    local entry = redis.call('XRANGE', stream, '-', '+', 'COUNT', 1)[1]
    local first = entry and pad(entry[1])
    for _, other in ipairs(stopped and unsettled or {}) do
      if not first or other.needed <= first then waitedFor[#waitedFor + 1] = other.name end
    end
    for _, other in ipairs(trimmed > 0 and behind or {}) do
      if other.needed < checkpoint and (not first or other.needed < first) then passedOver[#passedOver + 1] = other.name end
    end
  end
end

length = length - trimmed

-- Consumers that are gone, or seem so: before Redis 7.2, a read that finds nothing doesn't reset the idle time. If a removed consumer still
-- runs, its next read creates it again.

local removed = {}
if reapMillis > 0 and ours then
  for _, reply in ipairs(redis.call('XINFO', 'CONSUMERS', stream, group)) do
    local name = infoOf(reply, 'name')
    if infoOf(reply, 'pending') == 0 and infoOf(reply, 'idle') > reapMillis and name ~= self then
      redis.call('XACK', stream, group, '0-0') -- allowed when memory is full, and then so is the next
      redis.call('XGROUP', 'DELCONSUMER', stream, group, name)
      removed[#removed + 1] = name
      if #removed == MOST_REMOVED then break end
    end
  end
end

if added and (added ~= addedBefore or added - length ~= removedBefore) then
  redis.call('XACK', stream, group, '0-0') -- allowed when memory is full, and then so is the next
  redis.call('HSET', totalsKey, 'added', added, 'removed', added - length)
end

return {
  stale and 1 or 0, trimmed, more, length, pending, oldest, unpad(last), now, passedOver, removed, totals,
  reloaded and 1 or 0, waitedFor,
}
