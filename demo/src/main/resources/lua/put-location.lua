-- Writes fields of a location, and makes the indexes of categories and places agree with its hash. To run it twice changes nothing.
--
-- KEYS  the location; the index of categories; the places of all locations, of those of the category that it has, and of those of the one that it
--       will have
-- ARGV  the id; the id in 19 digits; the category that it has, or nothing; then the fields, as put.lua says; without any it must have a category
--
-- Fails with CHANGED if the location has another category, because then the keys are not the right ones, and with DAMAGED if a key is of another type.
-- Writes nothing if it fails.

local location, categories, all, placesBefore, placesNow = unpack(KEYS)
local id, digits, before = unpack(ARGV)

-- Redis takes no places nearer to the poles.
local MOST_LATITUDE = 85.05112878

-- Read and check.

local failure = damageOf(location, 'hash', 'HGET', 'category')
if failure then return failure end
if (redis.call('HGET', location, 'category') or '') ~= before then
  return redis.error_reply('CHANGED the category of ' .. location .. ' was changed by another program')
end
for k = 2, #KEYS do
  failure = damageOf(KEYS[k], 'sorted set', 'ZCARD') or refusalOf('ZREM', KEYS[k], '')
  if failure then return failure end
end
failure = refusalOf('ZADD', categories, 'XX', 0, '')
  or refusalOf('GEOADD', all, 'XX', 0, 0, '')
  or refusalOf('GEOADD', placesNow, 'XX', 0, 0, '')
  or refusalOfFields(location, 4)
if failure then return failure end

-- Write, first what Redis refuses if its memory is full.

writeFields(location, 4)
local category, degrees = unpack(redis.call('HMGET', location, 'category', 'location'))
redis.call('ZADD', categories, 0, '|' .. digits, 0, category .. '|' .. digits)
local longitude, latitude = string.match(degrees or '', '^(%-?[%d.]+),(%-?[%d.]+)$')
local x, y = tonumber(longitude or ''), tonumber(latitude or '')
if x and y and math.abs(x) <= 180 and math.abs(y) <= MOST_LATITUDE then
  redis.call('GEOADD', all, longitude, latitude, id)
  redis.call('GEOADD', placesNow, longitude, latitude, id)
else
  redis.call('ZREM', all, id)
  redis.call('ZREM', placesNow, id)
end
if before ~= '' and before ~= category then
  redis.call('ZREM', categories, before .. '|' .. digits)
  redis.call('ZREM', placesBefore, id)
end
