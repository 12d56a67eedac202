-- Applies a batch of checkins to their users and locations and acknowledges them, in one.
--
-- KEYS[1]                   the stream
-- KEYS[2 .. U+1]            the users of the batch, each once
-- KEYS[U+2 .. U+L+1]        the locations of the batch, each once
-- ARGV[1]                   the consumer group
-- ARGV[2], ARGV[3]          U and L
-- then U user ids and L location ids, in the order of their keys
-- then for each entry, ascending by id: its id, the number of its user (1 to U), of its location (1 to L), its stars
--
-- Returns { applied, { id, reason, id, reason, ... } }: how many entries this call applied and acknowledged, and the entries left
-- pending because their user or location can't take them. An entry in neither was not pending: someone else had settled it.
-- Fails with NOGROUP if the group is gone.
--
-- A call that fails has changed nothing: all that can fail comes before the first write, and the first write is XACK, after which Redis
-- doesn't refuse the others for memory. Safe to run twice: an entry counts only if its XACK here returned 1.

local MAX_COUNTER = 2 ^ 53
local stream, group = KEYS[1], ARGV[1]
local users, locations = tonumber(ARGV[2]), tonumber(ARGV[3])

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
  local key = KEYS[1 + u]
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
  local key = KEYS[1 + users + l]
  local values = read(key, 'numCheckins', 'numStars')
  location[l] = {
    key = key,
    new = not values[1],
    id = ARGV[3 + users + l],
    count = readCounter(key, 'numCheckins', values[1]),
    stars = readCounter(key, 'numStars', values[2]),
    added = 0,
  }
end

-- Acknowledge, and add up what this call settled.

local applied, left, foreign = 0, {}, false
for i = 4 + users + locations, #ARGV, 4 do
  local id = ARGV[i]
  local theUser, theLocation = user[tonumber(ARGV[i + 1])], location[tonumber(ARGV[i + 2])]
  local reason = unusable[theUser.key] or unusable[theLocation.key]
  if reason then
    left[#left + 1] = id
    left[#left + 1] = reason
  elseif redis.call('XACK', stream, group, id) == 1 then
    applied = applied + 1
    theUser.added = theUser.added + 1
    theUser.newestId, theUser.newestAt = id, theLocation.id
    theLocation.added = theLocation.added + 1
    theLocation.stars = theLocation.stars + tonumber(ARGV[i + 3])
  else
    foreign = true
  end
end
-- XACK answers 0 both for an entry that isn't pending and for a group that isn't there; XPENDING tells them apart
if foreign then redis.call('XPENDING', stream, group, '-', '+', 1) end

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
    if it.new then redis.call('HSET', key, 'id', ARGV[3 + u]) end
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
    local count = it.count + it.added
    local average = count > 0 and math.floor((2 * it.stars + count) / (2 * count)) or 0 -- rounded half up
    redis.call('HSET', it.key, 'numCheckins', count, 'numStars', it.stars, 'averageStars', average)
  end
end

return { applied, left }
