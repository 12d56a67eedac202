-- Reads fields of many hashes.
--
-- KEYS  the hashes
-- ARGV  the names of the fields
--
-- Returns for each hash the values of its fields; of a key that is no hash, none. Writes nothing.

local replies = {}
for k = 1, #KEYS do
  local values = redis.pcall('HMGET', KEYS[k], unpack(ARGV))
  if values.err then
    if not string.find(values.err, 'WRONGTYPE', 1, true) then return values end
    values = {}
  end
  replies[k] = values
end
return replies
