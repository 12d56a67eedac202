-- What it means to apply a batch of checkins, as plainly as it can be written: one entry after the other, without regard to speed. It shares
-- no code with the scripts of the product. ReferenceScriptIT compares what both return, and what both leave behind in all keys.
-- This file changes only if the meaning does.
--
-- KEYS[1 .. 5]       as settle.lua has them
-- KEYS[6 ..]         for each entry its user and its location
-- ARGV[1 .. 3]       as settle.lua has them
-- then for each entry, ascending by id: its id; the id that decides which checkin is the last, '' if the entry can't be decoded; the ids of its
-- user and its location; its stars

local stream, checkpointKey, rangesKey, totalsKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, mustBePending, contiguous = ARGV[1], ARGV[2] == '1', ARGV[3] == '1'

local function padded(id)
  local millis, sequence = string.match(id, '^(%d+)%-(%d+)$')
  if not millis then error('DAMAGED ' .. id) end
  return string.rep('0', 20 - #millis) .. millis .. '-' .. string.rep('0', 20 - #sequence) .. sequence
end

local entries = {}
for i = 4, #ARGV, 5 do
  local n = #entries + 1
  entries[n] = {
    id = ARGV[i], time = ARGV[i + 1], user = KEYS[4 + 2 * n], location = KEYS[5 + 2 * n],
    userId = ARGV[i + 2], locationId = ARGV[i + 3], stars = tonumber(ARGV[i + 4]),
  }
end

-- 1. An entry whose user or location can't take all the entries of the batch for it is left alone, and so is one that can't be decoded. The
-- last problem of a hash is its reason.

local comesTo = {} -- key -> what the batch adds to its counters
for _, entry in ipairs(entries) do
  entry.undecodable = entry.time == ''
  if not entry.undecodable then
    for _, key in ipairs({ entry.user, entry.location }) do
      local sum = comesTo[key] or { numCheckins = 0, numStars = 0 }
      comesTo[key] = { numCheckins = sum.numCheckins + 1, numStars = sum.numStars + entry.stars }
    end
  end
end

local function isCounter(text)
  return not text or string.match(text, '^%-?%d+$') and math.abs(tonumber(text)) < 2 ^ 53
end

local function problem(key, counters)
  local kind = redis.call('TYPE', key).ok
  if kind ~= 'hash' and kind ~= 'none' then return key .. ' is not a hash' end
  local found
  for _, name in ipairs(counters) do
    local text = redis.call('HGET', key, name)
    if not isCounter(text) then
      found = key .. ': ' .. name .. ' is not an integer below 2^53'
    elseif (text or 0) + comesTo[key][name] >= 2 ^ 53 then
      found = key .. ': ' .. name .. ' would not be an integer below 2^53'
    end
  end
  return found
end

for _, entry in ipairs(entries) do
  if not entry.undecodable then
    entry.reason = problem(entry.user, { 'numCheckins' })
    local lastCheckin = redis.pcall('HGET', entry.user, 'lastCheckin')
    if type(lastCheckin) == 'string' and not string.match(lastCheckin, '^%d+$') then
      entry.reason = entry.user .. ': lastCheckin is not a time in milliseconds'
    end
    entry.reason = entry.reason or problem(entry.location, { 'numCheckins', 'numStars' })
  end
end

-- 2. What is settled: all up to the checkpoint, and all within a range. If that belongs to a stream that is gone, it is dropped.

local checkpoint = redis.call('GET', checkpointKey)
if checkpoint and string.match(checkpoint, '^%d+$') then checkpoint = checkpoint .. '-0' end
checkpoint = checkpoint and padded(checkpoint)
local ranges = {}
for _, member in ipairs(redis.call('ZRANGE', rangesKey, 0, -1)) do
  ranges[#ranges + 1] = { last = string.sub(member, 1, 41), first = string.sub(member, 43) }
end

local function isInARange(first, last)
  for _, range in ipairs(ranges) do
    if range.first <= last and range.last >= first then return true end
  end
  return false
end

local function isOfAStreamThatIsGone()
  local info = redis.pcall('XINFO', 'STREAM', stream)
  local last = ''
  for i = 1, #info, 2 do
    if info[i] == 'last-generated-id' then last = padded(info[i + 1]) end
  end
  return checkpoint and checkpoint > last or #ranges > 0 and ranges[#ranges].last > last
end

local low, high = padded(entries[1].id), padded(entries[#entries].id)
local mayBeSettled = isInARange(low, high) or checkpoint and checkpoint >= low
if mayBeSettled and mustBePending and isOfAStreamThatIsGone() then
  redis.call('DEL', checkpointKey, rangesKey)
  checkpoint, ranges = false, {}
end
if mustBePending then redis.call('XPENDING', stream, group, '-', '+', 1) end -- fails if there is no group

-- 3. An entry counts if it isn't settled and its XACK returns 1; without a group, if it isn't settled.

local applied, skipped, left = 0, 0, {}
for _, entry in ipairs(entries) do
  if entry.reason then
    left[#left + 1] = entry.id
    left[#left + 1] = entry.reason
  elseif not entry.undecodable then
    local id = padded(entry.id)
    local isSettled = checkpoint and id <= checkpoint or isInARange(id, id)
    local isAcknowledged = redis.call('XACK', stream, group, entry.id) == 1
    entry.counts = not isSettled and (isAcknowledged or not mustBePending)
    if entry.counts then applied = applied + 1 end
    if isSettled and isAcknowledged then skipped = skipped + 1 end
  end
end

-- 4. What counts is settled now. Neighbours in a gap-free run of the stream make one range, if no range exists within the batch.

-- What was deleted from the stream while it was pending, and still is, may lie between them: that is to be counted as lost.

local join = contiguous and not isInARange(low, high)

local function nothingIsPendingBetween(entry, following)
  local info = redis.pcall('XPENDING', stream, group, entry.id, following.id, 1)
  return info.err or #info == 0
end

-- a run of entries that count, each followed by the next, in one range; or if something is pending in it, in a range each
local function write(run)
  if join and nothingIsPendingBetween(run[1], run[#run]) then
    redis.call('ZADD', rangesKey, 0, padded(run[#run].id) .. '|' .. padded(run[1].id))
  else
    for _, entry in ipairs(run) do redis.call('ZADD', rangesKey, 0, padded(entry.id) .. '|' .. padded(entry.id)) end
  end
end

local run = {}
for n, entry in ipairs(entries) do
  if entry.counts then
    run[#run + 1] = entry
    local following = entries[n + 1]
    if not (following and following.counts) then
      write(run)
      run = {}
    end
  end
end
if applied > 0 then redis.pcall('HINCRBY', totalsKey, 'applied', applied) end
if skipped > 0 then redis.pcall('HINCRBY', totalsKey, 'skipped', skipped) end

-- Without a group, the checkpoint moves over what is settled, up to the last entry of the batch. It stops before an entry that isn't settled, and
-- before one that is pending in the group and was deleted. The ranges that it has passed are dropped.

local function firstEntryAbove(id)
  for _, entry in ipairs(redis.call('XRANGE', stream, '-', '+')) do
    if not id or padded(entry[1]) > id then return padded(entry[1]) end
  end
end

local function rangeAround(id)
  for _, member in ipairs(redis.call('ZRANGE', rangesKey, 0, -1)) do
    local range = { last = string.sub(member, 1, 41), first = string.sub(member, 43) }
    if id and range.first <= id and range.last >= id then return range end
  end
end

local function isPendingBetween(low, high)
  local pending = redis.pcall('XPENDING', stream, group, '-', '+', 1000000)
  for _, entry in ipairs(pending.err and {} or pending) do
    local id = padded(entry[1])
    if (not low or id > low) and id < high then return true end
  end
end

local function unpadded(id)
  local millis, sequence = string.match(id, '^0*(%d+)%-0*(%d+)$')
  return millis .. '-' .. sequence
end

if not mustBePending then
  while not checkpoint or checkpoint < high do
    local range = rangeAround(firstEntryAbove(checkpoint))
    if not range or isPendingBetween(checkpoint, range.first) then break end
    checkpoint = range.last
  end
  if checkpoint then
    redis.call('SET', checkpointKey, unpadded(checkpoint))
    for _, member in ipairs(redis.call('ZRANGE', rangesKey, 0, -1)) do
      if string.sub(member, 1, 41) <= checkpoint then redis.call('ZREM', rangesKey, member) end
    end
  end
end

-- 5. Each entry that counts changes its user and its location.

local function isLater(time, lastCheckin, lastCheckinId)
  if not lastCheckin then return true end
  local millis = string.match(time, '^%d+')
  local lastMillis = string.match(lastCheckin, '^0*(%d+)$')
  if #millis ~= #lastMillis then return #millis > #lastMillis end
  if millis ~= lastMillis then return millis > lastMillis end
  local isOfThatTime = lastCheckinId and string.match(lastCheckinId, '^(%d+)%-%d+$') == millis
  return not isOfThatTime or padded(time) > padded(lastCheckinId)
end

for _, entry in ipairs(entries) do
  if entry.counts then
    local user = redis.call('HMGET', entry.user, 'numCheckins', 'lastCheckin', 'lastCheckinId')
    if not user[1] then redis.call('HSET', entry.user, 'id', entry.userId) end
    redis.call('HSET', entry.user, 'numCheckins', (user[1] or 0) + 1)
    if isLater(entry.time, user[2], user[3]) then
      redis.call('HSET', entry.user, 'lastCheckin', string.match(entry.time, '^%d+'), 'lastCheckinId', entry.time,
        'lastSeenAt', entry.locationId)
    end

    local location = redis.call('HMGET', entry.location, 'numCheckins', 'numStars')
    if not location[1] then redis.call('HSET', entry.location, 'id', entry.locationId) end
    local total, stars = (location[1] or 0) + 1, (location[2] or 0) + entry.stars
    local average = total > 0 and math.floor((2 * stars + total) / (2 * total)) or 0 -- rounded half up
    redis.call('HSET', entry.location, 'numCheckins', total, 'numStars', stars, 'averageStars', average)
  end
end

return { applied, skipped, left }
