-- Applies a batch of checkins to their users and locations. This file comes after settle.lua, which documents KEYS[1 .. 5] and the first
-- arguments, and settles the entries.
--
-- own keys           the U users of the batch, each once, then its L locations, each once. Each ends with the id
-- own arguments      U
--                    the sums: what the batch comes to if all of it counts. A JSON array: for each user how many entries, the newest, the number
--                    of its location (1 to L); then for each location how many entries, and the sum of their stars. The newest is the number
--                    of an entry, or an id as text if it is the replay of a dead letter
--                    the entries, looked at only if not all of them count. A JSON array: for each the number of its user (1 to U), the number of
--                    its location, and its stars. The stars of a replay are a text: stars, a space, the id that decides which checkin
--                    is the last. An entry that can't be decoded has three elements of any value, and is not in the sums
--
-- Returns the outcome of settle. An entry is left alone if the hash of its user or location can't take what the batch comes to.

local MAX_COUNTER = 2 ^ 53
local call, pcall, find, match, sub, format = redis.call, redis.pcall, string.find, string.match, string.sub, string.format
local users, sums = tonumber(ARGV[ownArgs + 1]), cjson.decode(ARGV[ownArgs + 2])
local userKeys, locationKeys = ownKeys, ownKeys + users
local locations = #KEYS - locationKeys
local locationSums = 3 * users -- user u has the sums 3 * u - 2 and the next two, location l has locationSums + 2 * l - 1 and the next

-- Read and check. HMGET also checks the type of the key.

local unusable = {} -- key -> reason

local function readCounter(key, name, text, added)
  if not text then return 0 end
  -- tonumber alone also takes 'nan', 'inf', '0x10' and '1e3'; text + 0 is the quicker one
  local number = find(text, '^%-?%d+$') and text + 0
  if number and number + added < MAX_COUNTER and number > -MAX_COUNTER then return number end
  local is = number and number < MAX_COUNTER and number > -MAX_COUNTER and ' would not be' or ' is not'
  unusable[key] = key .. ': ' .. name .. is .. ' an integer below 2^53'
end

-- Lets readHash name the reason. The loops below call HMGET themselves, because a call of readHash for each key costs time.
local function unreadable(key)
  local _, reason = readHash(key, 'id')
  unusable[key] = reason
end

-- Parallel arrays, indexed by the number of the user or location. One table for each of them would cost a seventh of the script's time.
local userCount, userMillis, userNew = {}, {}, {}
for u = 1, users do
  local key = KEYS[userKeys + u]
  local values = pcall('HMGET', key, 'numCheckins', 'lastCheckin')
  if values.err then
    unreadable(key)
  else
    local count, millis = values[1], values[2]
    userNew[u] = not count
    userCount[u] = readCounter(key, 'numCheckins', count, sums[3 * u - 2])
    userMillis[u] = millis
    if millis and not find(millis, '^%d+$') then unusable[key] = key .. ': lastCheckin is not a time in milliseconds' end
  end
end

local locationCount, locationStars, locationNew, locationId = {}, {}, {}, {}
for l = 1, locations do
  local key, at = KEYS[locationKeys + l], locationSums + 2 * l - 1
  local values = pcall('HMGET', key, 'numCheckins', 'numStars')
  if values.err then
    unreadable(key)
  else
    locationNew[l] = not values[1]
    locationCount[l] = readCounter(key, 'numCheckins', values[1], sums[at])
    locationStars[l] = readCounter(key, 'numStars', values[2], sums[at + 1])
    locationId[l] = match(key, '%d+$')
  end
end

local entries

if next(unusable) then
  entries = cjson.decode(ARGV[ownArgs + 3])
  for n = 1, entryCount do
    if not alone[n] then
      alone[n] = unusable[KEYS[userKeys + entries[3 * n - 2]]] or unusable[KEYS[locationKeys + entries[3 * n - 1]]]
    end
  end
end

local passedOver, outcome = settle({ { 'HSET', probe, 'probe', '1', keys = { KEYS[userKeys + 1], KEYS[locationKeys + 1] } } })

-- Add up what counts, if that isn't all.

if outcome[1] ~= entryCount then
  entries = entries or cjson.decode(ARGV[ownArgs + 3])
  for i = 1, #sums do sums[i] = 0 end
  for n = 1, entryCount do
    if not passedOver[n] then
      local id, u, l, stars = ARGV[ids + n], entries[3 * n - 2], entries[3 * n - 1], entries[3 * n]
      local time = id
      if type(stars) == 'string' then stars, time = match(stars, '^(%d) (.*)$') end
      local user, location = 3 * u - 2, locationSums + 2 * l - 1
      sums[user] = sums[user] + 1
      if time == id or sums[user + 1] == 0 or pad(time) > pad(sums[user + 1]) then sums[user + 1], sums[user + 2] = time, l end
      sums[location] = sums[location] + 1
      sums[location + 1] = sums[location + 1] + stars
    end
  end
end

-- Write each hash once. A number as an argument costs more than its text.

-- Compares decimal numbers of up to 20 digits without leading zeros as texts: a Lua number can't hold them.
local function isGreater(a, b)
  if #a ~= #b then return #a > #b end
  return a > b
end

-- The last checkin is the one with the highest id. lastCheckinId breaks ties within a millisecond. Other programs may write lastCheckin without
-- it, so lastCheckinId is ignored if its milliseconds differ from lastCheckin.
local function isNewer(key, millis, newest, lastMillis)
  lastMillis = match(lastMillis, '^0*(%d+)$')
  if millis ~= lastMillis then return isGreater(millis, lastMillis) end
  local idMillis, idSequence = match(call('HMGET', key, 'lastCheckinId')[1] or '', '^(%d+)-(%d+)$')
  return idMillis ~= millis or isGreater(match(newest, '%d+$'), idSequence)
end

for u = 1, users do
  local added = sums[3 * u - 2]
  if added > 0 then
    local key, newest, lastMillis = KEYS[userKeys + u], sums[3 * u - 1], userMillis[u]
    if userNew[u] then call('HSET', key, 'id', match(key, '%d+$')) end
    local total = format('%d', userCount[u] + added)
    if type(newest) == 'number' then newest = ARGV[ids + newest] end
    local millis = sub(newest, 1, find(newest, '-', 1, true) - 1)
    if not lastMillis or #lastMillis == #millis and lastMillis < millis or isNewer(key, millis, newest, lastMillis) then
      call('HSET', key, 'numCheckins', total, 'lastCheckin', millis, 'lastCheckinId', newest, 'lastSeenAt', locationId[sums[3 * u]])
    else
      call('HSET', key, 'numCheckins', total)
    end
  end
end

for l = 1, locations do
  local at = locationSums + 2 * l - 1
  if sums[at] > 0 then
    local key = KEYS[locationKeys + l]
    if locationNew[l] then call('HSET', key, 'id', locationId[l]) end
    local total, stars = locationCount[l] + sums[at], locationStars[l] + sums[at + 1]
    local average = total > 0 and math.floor((2 * stars + total) / (2 * total)) or 0 -- rounded half up
    call('HSET', key, 'numCheckins', format('%d', total), 'numStars', format('%d', stars), 'averageStars', format('%d', average))
  end
end

return outcome
