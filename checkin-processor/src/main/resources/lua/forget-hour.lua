-- Takes an hour off the boards of the last 24 hours once it began 24 hours ago, and deletes its own boards. This file comes after settled.lua.
--
-- KEYS     the hours that have boards; the board of users and the board of locations of the last 24 hours; those of the hour
-- ARGV[1]  the name of the hour
-- ARGV[2]  the most users, and the most locations, to take off in this call
--
-- Returns 1 if there may be more to take off, else 0.
-- After each call the boards of the last 24 hours are the sums of the boards of the hours. Safe to run twice, and by several at once. The first write
-- is ZREM, which Redis allows when memory is full, and then also the others. All of them are among the commands that boards.lua passes to settle.
-- Fails with DAMAGED if a key is no sorted set, and from Redis 7.0 on with NOPERM if a command is not permitted with a key, and has then changed nothing.

local hoursKey, userDay, locationDay, userHour, locationHour = unpack(KEYS)
local hour, most = ARGV[1], tonumber(ARGV[2])

for _, key in ipairs(KEYS) do
  local reply = redis.pcall('ZCARD', key)
  if type(reply) ~= 'number' then
    error(string.find(reply.err, 'WRONGTYPE', 1, true) and 'DAMAGED ' .. key .. ' is not a sorted set' or reply.err)
  end
end
local start, now = redis.call('ZSCORE', hoursKey, hour), redis.call('TIME')[1]
if not start or tonumber(start) > now - 24 * 3600 then return 0 end

for _, day in ipairs({ userDay, locationDay }) do
  requirePermission('ZINCRBY', day, 0, '')
  requirePermission('ZREM', day, '')
end
for _, board in ipairs({ userHour, locationHour }) do requirePermission('ZREMRANGEBYRANK', board, 0, 0) end
redis.call('ZREM', hoursKey, '')

-- Returns whether nothing is left of the board.
local function takeOff(day, board)
  local scored = redis.call('ZRANGE', board, 0, most - 1, 'WITHSCORES')
  for i = 1, #scored, 2 do
    if tonumber(redis.call('ZINCRBY', day, -scored[i + 1], scored[i])) <= 0 then redis.call('ZREM', day, scored[i]) end
  end
  redis.call('ZREMRANGEBYRANK', board, 0, most - 1)
  return #scored < 2 * most
end

local usersDone, locationsDone = takeOff(userDay, userHour), takeOff(locationDay, locationHour)
if not (usersDone and locationsDone) then return 1 end
redis.call('ZREM', hoursKey, hour)
return 1
