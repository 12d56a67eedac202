-- Counts a batch of checkins on the boards, and notes who was where last. This file comes after settle.lua, which documents KEYS[1 .. 5] and the
-- first arguments, and settles the entries.
--
-- own keys           the board of users, the board of locations, the recent users; then for each of H hours its board of users and its board of
--                    locations; then the visitors of each of L locations
-- own arguments      a JSON array of U ids of users; a JSON array of the L ids of locations; a JSON array of the H ends of the hours' boards, in seconds
--                    since 1970; a JSON array with four numbers for each entry: its user (1 to U), its location (1 to L), its hour (1 to H, or 0
--                    if its time is out of range), and its milliseconds since 1970 as text. An entry that can't be decoded has four zeros
--
-- Returns the outcome of settle. An entry is left alone if the visitors of its location are no sorted set. If that is so of any other key, it fails
-- with DAMAGED: no entry could be applied.

local MOST_RECENT, MOST_VISITORS = 1000, 100
local users, locations, ends, entries = unpack(cjson.decode('[' .. table.concat(ARGV, ',', ownArgs + 1, ownArgs + 4) .. ']'))
local userBoard, locationBoard, recent = unpack(KEYS, ownKeys + 1, ownKeys + 3)
local hourKeys = ownKeys + 3
local visitorKeys = hourKeys + 2 * #ends

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
    if not alone[n] then alone[n] = unusable[entries[4 * n - 2]] end
  end
end

local passedOver, outcome = settle({
  { 'ZINCRBY', probe, 0, 'probe' }, { 'ZADD', probe, 'GT', 0, 'probe' }, { 'ZREMRANGEBYRANK', probe, 1, 0 }, { 'EXPIREAT', probe, 99999999999 },
})

-- Add up what counts: for each user and location how many, in all and by hour; for each user the newest, anywhere and by location.

local counts = {} -- key -> id -> how many
local newest = {} -- key -> id -> milliseconds

local function add(key, id)
  local board = counts[key]
  if not board then
    board = {}
    counts[key] = board
  end
  board[id] = (board[id] or 0) + 1
end

local function note(key, id, millis)
  local times = newest[key]
  if not times then
    times = {}
    newest[key] = times
  end
  local before = times[id]
  if not before or #before < #millis or #before == #millis and before < millis then times[id] = millis end
end

for n = 1, entryCount do
  if not passedOver[n] then
    local l, hour, millis = entries[4 * n - 2], entries[4 * n - 1], entries[4 * n]
    local user, location = users[entries[4 * n - 3]], locations[l]
    add(userBoard, user)
    add(locationBoard, location)
    if hour > 0 then
      add(KEYS[hourKeys + 2 * hour - 1], user)
      add(KEYS[hourKeys + 2 * hour], location)
    end
    note(recent, user, millis)
    note(KEYS[visitorKeys + l], user, millis)
  end
end

-- Write.

for key, board in pairs(counts) do
  for id, count in pairs(board) do redis.call('ZINCRBY', key, count, id) end
end
for hour = 1, #ends do
  redis.call('EXPIREAT', KEYS[hourKeys + 2 * hour - 1], ends[hour])
  redis.call('EXPIREAT', KEYS[hourKeys + 2 * hour], ends[hour])
end
for key, times in pairs(newest) do
  local scored = { 'ZADD', key, 'GT' }
  for id, millis in pairs(times) do
    scored[#scored + 1] = millis
    scored[#scored + 1] = id
  end
  redis.call(unpack(scored))
  redis.call('ZREMRANGEBYRANK', key, 0, -1 - (key == recent and MOST_RECENT or MOST_VISITORS))
end
return outcome
