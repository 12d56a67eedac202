-- Applies a batch of checkins to their users and locations and acknowledges them, in one.
--
-- KEYS[1 .. 5]              the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- KEYS[6 .. U+5]            the users of the batch, each once
-- KEYS[U+6 .. U+L+5]        the locations of the batch, each once
-- ARGV[1]                   the consumer group
-- ARGV[2]                   1: only an entry whose XACK here returns 1 counts. 0: sequential mode, which reads without a group
-- ARGV[3]                   1: the entries are a gap-free run of the stream. 0: there may be others between them
-- ARGV[4], ARGV[5]          U and L
-- then U user ids and L location ids, in the order of their keys
-- then for each entry, ascending by id: its id, the number of its user (1 to U), of its location (1 to L), its stars,
-- and for the replay of a dead letter after them a space and the id by which the last checkin is found;
-- the number 0 as its user stands for an entry that can't be decoded: it is left alone, and ends the run before it
--
-- Returns { applied, skipped, { id, reason, id, reason, ... } }: how many entries this call applied; how many it only acknowledged, because
-- they had been settled before (the group was rewound or made anew); and the entries left alone because their user or location can't
-- take them. An entry in none of these was not pending: someone else has settled it.
-- Fails with NOGROUP if the group is gone, WRONGTYPE or DAMAGED if one of the first keys is not what it should be.
--
-- A call that fails has changed nothing: all that can fail comes before the first write, and the first write is XACK, after which Redis
-- doesn't refuse the others for memory. Safe to run twice: an entry counts only if it isn't settled, and is settled afterwards.

local MAX_COUNTER = 2 ^ 53
local call, pcall, match = redis.call, redis.pcall, string.match
local stream, checkpointKey, rangesKey, totalsKey, probe = unpack(KEYS, 1, 5)
local group, mustBePending, contiguous = ARGV[1], ARGV[2] == '1', ARGV[3] == '1'
local users, locations = tonumber(ARGV[4]), tonumber(ARGV[5])
local firstEntry = 6 + users + locations

-- Validate: HMGET is the type check, too.

local function counter(text)
  if not text then return 0 end
  -- not tonumber alone: it takes 'nan', 'inf', '0x10' and '1e3'
  local number = match(text, '^%-?%d+$') and tonumber(text)
  if number and number < MAX_COUNTER and number > -MAX_COUNTER then return number end
end

local unusable = {} -- key -> reason

-- Only a key of another type is the target's fault.
local function read(key, ...)
  local values = pcall('HMGET', key, ...)
  if not values.err then return values end
  if not string.find(values.err, 'WRONGTYPE', 1, true) then error(values.err) end
  unusable[key] = key .. ' is not a hash'
  return {}
end

local function readCounter(key, name, text)
  local number = counter(text)
  if not number then unusable[key] = key .. ': ' .. name .. ' is not an integer below 2^53' end
  return number
end

-- Arrays side by side, by the number of the user or location: a table for each took a seventh of the script's time.
local userCount, userMillis, userId, userNew, userAdded, userNewest, userAt = {}, {}, {}, {}, {}, {}, {}
for u = 1, users do
  local key = KEYS[5 + u]
  local values = read(key, 'numCheckins', 'lastCheckin', 'lastCheckinId')
  userNew[u] = not values[1]
  userCount[u] = readCounter(key, 'numCheckins', values[1])
  userMillis[u] = values[2]
  userId[u] = values[3]
  userAdded[u] = 0
  if values[2] and not match(values[2], '^%d+$') then
    unusable[key] = key .. ': lastCheckin is not a time in milliseconds'
  end
end

local locationCount, locationStars, locationNew, locationAdded = {}, {}, {}, {}
for l = 1, locations do
  local key = KEYS[5 + users + l]
  local values = read(key, 'numCheckins', 'numStars')
  locationNew[l] = not values[1]
  locationCount[l] = readCounter(key, 'numCheckins', values[1])
  locationStars[l] = readCounter(key, 'numStars', values[2])
  locationAdded[l] = 0
end
local allUsable = next(unusable) == nil

local isSettled, clear = settledBetween(stream, checkpointKey, rangesKey, ARGV[firstEntry], ARGV[#ARGV - 3], mustBePending)
-- Where ranges are already, a new one over several entries might overlap them: entries deleted from the stream don't show as a gap.
local add, gap, writeRanges = newRanges(contiguous and clear)

-- XACK answers 0 both for an entry that isn't pending and for a group that isn't there: this tells them apart, while it may still fail.
if mustBePending then call('XPENDING', stream, group, '-', '+', 1) end
requirePermissions(stream, group, probe)

-- Acknowledge, and add up what this call settles.

local applied, skipped, left = 0, 0, {}
for i = firstEntry, #ARGV, 4 do
  local id = ARGV[i]
  local u, l = tonumber(ARGV[i + 1]), tonumber(ARGV[i + 2])
  local reason = not allUsable and u > 0 and (unusable[KEYS[5 + u]] or unusable[KEYS[5 + users + l]])
  if u == 0 or reason then
    gap()
    if reason then
      left[#left + 1] = id
      left[#left + 1] = reason
    end
  else
    local settledBefore = isSettled(id)
    local pending = call('XACK', stream, group, id) == 1
    if settledBefore then
      gap()
      if pending then skipped = skipped + 1 end
    elseif pending or not mustBePending then
      applied = applied + 1
      add(id)
      userAdded[u] = userAdded[u] + 1
      local stars, time = tonumber(ARGV[i + 3]), id
      if not stars then stars, time = match(ARGV[i + 3], '^(%d) (.*)$') end
      if time == id or not userNewest[u] or pad(time) > pad(userNewest[u]) then
        userNewest[u], userAt[u] = time, l
      end
      locationAdded[l] = locationAdded[l] + 1
      locationStars[l] = locationStars[l] + stars
    else
      gap()
    end
  end
end

writeRanges(rangesKey)
count(totalsKey, 'applied', applied)
count(totalsKey, 'skipped', skipped)

-- Write each hash once.

-- Decimal numbers of up to 20 digits without leading zeros, which a Lua number can't hold.
local function isGreater(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- The last checkin is the one of the highest id. lastCheckinId breaks ties within a millisecond; other programs write lastCheckin alone,
-- so it counts only while its milliseconds are those of lastCheckin.
local function isNewer(millis, sequence, lastMillis, lastId)
  if not lastMillis then return true end
  lastMillis = string.gsub(lastMillis, '^0+(%d)', '%1')
  if millis ~= lastMillis then return isGreater(millis, lastMillis) end
  local idMillis, idSequence = match(lastId or '', '^(%d+)-(%d+)$')
  return idMillis ~= millis or isGreater(sequence, idSequence)
end

for u = 1, users do
  local added = userAdded[u]
  if added > 0 then
    local key = KEYS[5 + u]
    if userNew[u] then call('HSET', key, 'id', ARGV[5 + u]) end
    local newest = userNewest[u]
    local millis, sequence = match(newest, '^(%d+)-(%d+)$')
    if isNewer(millis, sequence, userMillis[u], userId[u]) then
      call('HSET', key, 'numCheckins', userCount[u] + added,
        'lastCheckin', millis, 'lastCheckinId', newest, 'lastSeenAt', ARGV[5 + users + userAt[u]])
    else
      call('HSET', key, 'numCheckins', userCount[u] + added)
    end
  end
end

for l = 1, locations do
  local added = locationAdded[l]
  if added > 0 then
    local key = KEYS[5 + users + l]
    if locationNew[l] then call('HSET', key, 'id', ARGV[5 + users + l]) end
    local total, stars = locationCount[l] + added, locationStars[l]
    local average = total > 0 and math.floor((2 * stars + total) / (2 * total)) or 0 -- rounded half up
    call('HSET', key, 'numCheckins', total, 'numStars', stars, 'averageStars', average)
  end
end

return { applied, skipped, left }
