-- Applies a batch of checkins to their users and locations and acknowledges them, in one.
--
-- KEYS[1 .. 4]              the stream, the checkpoint, the settled ranges, the totals
-- KEYS[5 .. U+4]            the users of the batch, each once
-- KEYS[U+5 .. U+L+4]        the locations of the batch, each once
-- ARGV[1]                   the consumer group
-- ARGV[2]                   1: only an entry whose XACK here returns 1 counts. 0: sequential mode, which reads without a group
-- ARGV[3]                   1: the entries are a gap-free run of the stream. 0: there may be others between them
-- ARGV[4], ARGV[5]          U and L
-- then U user ids and L location ids, in the order of their keys
-- then for each entry, ascending by id: its id, the number of its user (1 to U), of its location (1 to L), its stars;
-- the number 0 as its user stands for an entry that can't be decoded: it is left alone, and ends the run before it
--
-- Returns { applied, skipped, { id, reason, id, reason, ... } }: how many entries this call applied; how many it only acknowledged, because
-- they had been settled before (the group was rewound or made anew); and the entries left alone because their user or location can't
-- take them. An entry in none of these was not pending: someone else has settled it.
-- Fails with NOGROUP if the group is gone, WRONGTYPE or DAMAGED if one of the first four keys is not what it should be.
--
-- A call that fails has changed nothing: all that can fail comes before the first write, and the first write is XACK, after which Redis
-- doesn't refuse the others for memory. Safe to run twice: an entry counts only if it isn't settled, and is settled afterwards.

local MAX_COUNTER = 2 ^ 53
local stream, checkpointKey, rangesKey, totalsKey = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local group, mustBePending, contiguous = ARGV[1], ARGV[2] == '1', ARGV[3] == '1'
local users, locations = tonumber(ARGV[4]), tonumber(ARGV[5])
local firstEntry = 6 + users + locations

-- Validate: HMGET is the type check, too.

local function counter(text)
  if not text then return 0 end
  -- not tonumber alone: it takes 'nan', 'inf', '0x10' and '1e3'
  local number = string.match(text, '^%-?%d+$') and tonumber(text)
  if number and number < MAX_COUNTER and number > -MAX_COUNTER then return number end
end

local unusable = {} -- key -> reason

local function read(key, ...)
  local values = redis.pcall('HMGET', key, ...)
  if values.err then
    unusable[key] = key .. ' is not a hash'
    return {}
  end
  return values
end

local function readCounter(key, name, text)
  local number = counter(text)
  if not number then unusable[key] = key .. ': ' .. name .. ' is not an integer below 2^53' end
  return number
end

local user = {}
for u = 1, users do
  local key = KEYS[4 + u]
  local values = read(key, 'numCheckins', 'lastCheckin', 'lastCheckinId')
  user[u] = {
    key = key,
    new = not values[1],
    count = readCounter(key, 'numCheckins', values[1]),
    lastMillis = values[2],
    lastId = values[3],
    added = 0,
  }
  if values[2] and not string.match(values[2], '^%d+$') then
    unusable[key] = key .. ': lastCheckin is not a time in milliseconds'
  end
end

local location = {}
for l = 1, locations do
  local key = KEYS[4 + users + l]
  local values = read(key, 'numCheckins', 'numStars')
  location[l] = {
    key = key,
    new = not values[1],
    id = ARGV[5 + users + l],
    count = readCounter(key, 'numCheckins', values[1]),
    stars = readCounter(key, 'numStars', values[2]),
    added = 0,
  }
end

local isSettled, clear = settledBetween(checkpointKey, rangesKey, ARGV[firstEntry], ARGV[#ARGV - 3])
-- Where ranges are already, a new one over several entries might overlap them: entries deleted from the stream don't show as a gap.
local add, gap, writeRanges = newRanges(contiguous and clear)

-- Acknowledge, and add up what this call settles.

local applied, skipped, left, notPending = 0, 0, {}, false
for i = firstEntry, #ARGV, 4 do
  local id = ARGV[i]
  local theUser, theLocation = user[tonumber(ARGV[i + 1])], location[tonumber(ARGV[i + 2])]
  local reason = theUser and (unusable[theUser.key] or unusable[theLocation.key])
  if not theUser or reason then
    gap()
    if reason then
      left[#left + 1] = id
      left[#left + 1] = reason
    end
  else
    local settledBefore = isSettled(id)
    local pending = redis.call('XACK', stream, group, id) == 1
    if settledBefore then
      gap()
      if pending then skipped = skipped + 1 end
    elseif pending or not mustBePending then
      applied = applied + 1
      add(id)
      theUser.added = theUser.added + 1
      theUser.newestId, theUser.newestAt = id, theLocation.id
      theLocation.added = theLocation.added + 1
      theLocation.stars = theLocation.stars + tonumber(ARGV[i + 3])
    else
      gap()
      notPending = true
    end
  end
end
-- XACK answers 0 both for an entry that isn't pending and for a group that isn't there; XPENDING tells them apart
if notPending then redis.call('XPENDING', stream, group, '-', '+', 1) end

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
  local idMillis, idSequence = string.match(lastId or '', '^(%d+)-(%d+)$')
  return idMillis ~= millis or isGreater(sequence, idSequence)
end

for u = 1, users do
  local it = user[u]
  if it.added > 0 then
    local key = it.key
    if it.new then redis.call('HSET', key, 'id', ARGV[5 + u]) end
    local millis, sequence = string.match(it.newestId, '^(%d+)-(%d+)$')
    if isNewer(millis, sequence, it.lastMillis, it.lastId) then
      redis.call('HSET', key, 'numCheckins', it.count + it.added,
        'lastCheckin', millis, 'lastCheckinId', it.newestId, 'lastSeenAt', it.newestAt)
    else
      redis.call('HSET', key, 'numCheckins', it.count + it.added)
    end
  end
end

for l = 1, locations do
  local it = location[l]
  if it.added > 0 then
    if it.new then redis.call('HSET', it.key, 'id', it.id) end
    local total = it.count + it.added
    local average = total > 0 and math.floor((2 * it.stars + total) / (2 * total)) or 0 -- rounded half up
    redis.call('HSET', it.key, 'numCheckins', total, 'numStars', it.stars, 'averageStars', average)
  end
end

return { applied, skipped, left }
