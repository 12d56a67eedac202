-- Counts a batch of checkins on the boards, and notes who was where last. This file comes after settle.lua, which documents KEYS[1 .. 5] and the
-- first arguments, and settles the entries.
--
-- own keys           the board of users and the board of locations of all time, then those of the last 24 hours; the stars of locations; the recent
--                    users; the hours that have boards; then for each of H hours its board of users and its board of locations; then the visitors
--                    of each of L locations
-- own arguments      a JSON array of U ids of users; a JSON array of the L ids of locations; a JSON array with two elements for each hour: its name and
--                    its start, in seconds since 1970; a JSON array with five elements for each entry: its user (1 to U), its location
--                    (1 to L), its stars, its hour (1 to H, or 0 if it doesn't count), and its milliseconds since 1970 as text. An entry
--                    that can't be decoded has five zeros. Last, the time by the clock of the caller, in seconds since 1970
--
-- An hour counts if it is the current one, one of the 23 before it, or a later one. Of the clocks of Redis and of the caller the one that is behind
-- decides: what counts for too long is taken off later, but nothing puts back what did not count. The boards of the last 24 hours are the sums of the boards
-- of all hours; forget-hour.lua takes the oldest one off.
--
-- Returns the outcome of settle. An entry is left alone if the visitors of its location are no sorted set. If that is so of any other key, it fails
-- with DAMAGED: no entry could be applied.

local MOST_RECENT, MOST_VISITORS, HOUR = 1000, 100, 3600
local call = redis.call
local users, locations, hours, entries, callerNow = unpack(cjson.decode('[' .. table.concat(ARGV, ',', ownArgs + 1, ownArgs + 5) .. ']'))
local userBoard, locationBoard, userDay, locationDay, starBoard, recent, hoursKey = unpack(KEYS, ownKeys + 1, ownKeys + 7)
local hourKeys = ownKeys + 7
local visitorKeys = hourKeys + #hours

-- Read and check.

-- Says why a key can't be written, or nil.
local function damageOf(key)
  local reply = redis.pcall('ZCARD', key)
  if type(reply) == 'number' then return nil end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then error(reply.err) end
  return key .. ' is not a sorted set'
end

for k = ownKeys + 1, visitorKeys do
  local damage = damageOf(KEYS[k])
  if damage then error('DAMAGED ' .. damage) end
end
local unusable = {}
for l = 1, #locations do unusable[l] = damageOf(KEYS[visitorKeys + l]) end
if next(unusable) then
  for n = 1, entryCount do
    if not alone[n] then alone[n] = unusable[entries[5 * n - 3]] end
  end
end

local now = math.min(call('TIME')[1], callerNow)
local firstVisitors = KEYS[visitorKeys + 1]
local boards = { userBoard, locationBoard, userDay, locationDay, starBoard, unpack(KEYS, hourKeys + 1, math.min(hourKeys + 2, visitorKeys)) }
local passedOver, outcome = settle({
  { 'ZINCRBY', probe, 0, 'probe', keys = boards },
  { 'ZADD', probe, 'GT', 0, 'probe', keys = { hoursKey, recent, firstVisitors } },
  { 'ZREMRANGEBYRANK', probe, 1, 0, keys = { recent, firstVisitors } },
  { 'ZREM', probe, 'probe' }, -- of forget-hour.lua
})

-- Add up what counts: by hour, how many for each user and location; the stars of each location; for each user the newest time, anywhere and by
-- location.

local userCounts, locationCounts = {}, {} -- hour -> user or location -> how many
for hour = 0, #hours / 2 do
  userCounts[hour], locationCounts[hour] = {}, {}
end
local stars = {} -- location -> sum
local anywhere, at = {}, {} -- user -> milliseconds; location -> user -> milliseconds

local function note(times, user, millis)
  local before = times[user]
  if not before or #before < #millis or #before == #millis and before < millis then times[user] = millis end
end

for n = 1, entryCount do
  if not passedOver[n] then
    local u, l, hour, millis = entries[5 * n - 4], entries[5 * n - 3], entries[5 * n - 1], entries[5 * n]
    userCounts[hour][u] = (userCounts[hour][u] or 0) + 1
    locationCounts[hour][l] = (locationCounts[hour][l] or 0) + 1
    stars[l] = (stars[l] or 0) + entries[5 * n - 2]
    note(anywhere, u, millis)
    if not at[l] then at[l] = {} end
    note(at[l], u, millis)
  end
end

-- Write.

-- Redis is slow in making text of numbers, and most counts are small.
local texts = setmetatable({}, { __index = function(known, number)
  known[number] = tostring(number)
  return known[number]
end })

local function add(counts, ids, boards)
  for i, count in pairs(counts) do
    for b = 1, #boards do call('ZINCRBY', boards[b], texts[count], ids[i]) end
  end
end

for hour = 0, #hours / 2 do
  local start = hour > 0 and hours[2 * hour]
  if not start or start <= now - 24 * HOUR then
    add(userCounts[hour], users, { userBoard })
    add(locationCounts[hour], locations, { locationBoard })
  elseif next(userCounts[hour]) then
    add(userCounts[hour], users, { userBoard, userDay, KEYS[hourKeys + 2 * hour - 1] })
    add(locationCounts[hour], locations, { locationBoard, locationDay, KEYS[hourKeys + 2 * hour] })
    call('ZADD', hoursKey, start, hours[2 * hour - 1])
  end
end

add(stars, locations, { starBoard })

local function keepNewest(key, times, most)
  local scored = { 'ZADD', key, 'GT' }
  for u, millis in pairs(times) do
    scored[#scored + 1] = millis
    scored[#scored + 1] = users[u]
  end
  call(unpack(scored))
  call('ZREMRANGEBYRANK', key, 0, -1 - most)
end

if next(anywhere) then keepNewest(recent, anywhere, MOST_RECENT) end
for l, times in pairs(at) do keepNewest(KEYS[visitorKeys + l], times, MOST_VISITORS) end
return outcome
