-- Writes fields of a location, and makes the indexes of categories and places agree with its hash. To run it twice changes nothing.
--
-- KEYS  the location; the index of categories; the places of all locations, of those of the category that it has, and of those of the one that it
--       will have
-- ARGV  the id; the id in 19 digits; the category that it has, or nothing; then the fields to write, each a name and a value; none if only the
--       indexes are to be mended, and then it must have a category
--
-- Fails with CHANGED, and writes nothing, if the location has another category: then the keys are not the right ones.

local location, categories, all, placesBefore, placesNow = unpack(KEYS)
local id, digits, before = unpack(ARGV)

-- Redis takes no places nearer to the poles.
local MOST_LATITUDE = 85.05112878

-- Read and check.

if (redis.call('HGET', location, 'category') or '') ~= before then
  return redis.error_reply('CHANGED the category of ' .. location .. ' was changed by another program')
end
for k = 2, #KEYS do redis.call('ZCARD', KEYS[k]) end

-- Write, first what Redis refuses if its memory is full.

if #ARGV > 3 then redis.call('HSET', location, unpack(ARGV, 4)) end
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
