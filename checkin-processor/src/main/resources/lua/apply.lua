-- Applies a batch of checkins to their users and locations. This file comes after settle.lua, which documents KEYS[1 .. 5] and the first
-- arguments, and settles the entries.
--
-- own keys           the U users of the batch, each once, then its L locations, each once
-- own arguments      U, L; then the ids of the users and of the locations, in the order of their keys;
--                    then for each entry the number of its user (1 to U), the number of its location (1 to L), and its stars. For a dead letter
--                    that was put back, a space and the id of the original follow: that id decides which checkin is the last.
--                    An entry that can't be decoded has three arguments of any value
--
-- Returns the outcome of settle. An entry can't be applied if the hash of its user or location is unusable.

local MAX_COUNTER = 2 ^ 53
local call, match = redis.call, string.match
local users, locations = tonumber(ARGV[ownArgs + 1]), tonumber(ARGV[ownArgs + 2])
local userKeys, locationKeys = ownKeys, ownKeys + users
local userIds, locationIds = ownArgs + 2, ownArgs + 2 + users
local entries = locationIds + locations - 2 -- ARGV[entries + 3 * n] is the first of the three of entry n

-- Read and check. HMGET also checks the type of the key.

local function counter(text)
  if not text then return 0 end
  -- tonumber alone also takes 'nan', 'inf', '0x10' and '1e3'
  local number = match(text, '^%-?%d+$') and tonumber(text)
  if number and number < MAX_COUNTER and number > -MAX_COUNTER then return number end
end

local unusable = {} -- key -> reason

local function read(key, ...)
  local values, reason = readHash(key, ...)
  unusable[key] = reason
  return values or {}
end

local function readCounter(key, name, text)
  local number = counter(text)
  if not number then unusable[key] = key .. ': ' .. name .. ' is not an integer below 2^53' end
  return number
end

-- Parallel arrays, indexed by the number of the user or location. One table for each of them would cost a seventh of the script's time.
local userCount, userMillis, userId, userNew, userAdded, userNewest, userAt = {}, {}, {}, {}, {}, {}, {}
for u = 1, users do
  local key = KEYS[userKeys + u]
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
  local key = KEYS[locationKeys + l]
  local values = read(key, 'numCheckins', 'numStars')
  locationNew[l] = not values[1]
  locationCount[l] = readCounter(key, 'numCheckins', values[1])
  locationStars[l] = readCounter(key, 'numStars', values[2])
  locationAdded[l] = 0
end

if next(unusable) then
  for n = 1, entryCount do
    if not alone[n] then
      local at = entries + 3 * n
      alone[n] = unusable[KEYS[userKeys + ARGV[at]]] or unusable[KEYS[locationKeys + ARGV[at + 1]]]
    end
  end
end

local passedOver, outcome = settle({ { 'HSET', probe, 'probe', '1' } })

-- Add up what counts.

for n = 1, entryCount do
  if not passedOver[n] then
    local at, id = entries + 3 * n, ARGV[ids + n]
    local u, l = tonumber(ARGV[at]), tonumber(ARGV[at + 1])
    userAdded[u] = userAdded[u] + 1
    local stars, time = tonumber(ARGV[at + 2]), id
    if not stars then stars, time = match(ARGV[at + 2], '^(%d) (.*)$') end
    if time == id or not userNewest[u] or pad(time) > pad(userNewest[u]) then
      userNewest[u], userAt[u] = time, l
    end
    locationAdded[l] = locationAdded[l] + 1
    locationStars[l] = locationStars[l] + stars
  end
end

-- Write each hash once.

-- Compares decimal numbers of up to 20 digits without leading zeros as texts: a Lua number can't hold them.
local function isGreater(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- The last checkin is the one with the highest id. lastCheckinId breaks ties within a millisecond. Other programs may write lastCheckin without
-- it, so lastCheckinId is ignored if its milliseconds differ from lastCheckin.
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
    local key = KEYS[userKeys + u]
    if userNew[u] then call('HSET', key, 'id', ARGV[userIds + u]) end
    local newest = userNewest[u]
    local millis, sequence = match(newest, '^(%d+)-(%d+)$')
    if isNewer(millis, sequence, userMillis[u], userId[u]) then
      call('HSET', key, 'numCheckins', userCount[u] + added,
        'lastCheckin', millis, 'lastCheckinId', newest, 'lastSeenAt', ARGV[locationIds + userAt[u]])
    else
      call('HSET', key, 'numCheckins', userCount[u] + added)
    end
  end
end

for l = 1, locations do
  local added = locationAdded[l]
  if added > 0 then
    local key = KEYS[locationKeys + l]
    if locationNew[l] then call('HSET', key, 'id', ARGV[locationIds + l]) end
    local total, stars = locationCount[l] + added, locationStars[l]
    local average = total > 0 and math.floor((2 * stars + total) / (2 * total)) or 0 -- rounded half up
    call('HSET', key, 'numCheckins', total, 'numStars', stars, 'averageStars', average)
  end
end

return outcome
