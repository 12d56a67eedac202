-- Removes entries of an index whose users or locations don't have the value of the entry. To run it twice changes nothing.
--
-- KEYS  the index; then for each entry its user or location
-- ARGV  the field that has the value; then for each entry the entry and its value, or nothing if any value will do
--
-- Returns how many entries were removed.

local removed = 0
for k = 2, #KEYS do
  local entry, wanted = ARGV[2 * k - 2], ARGV[2 * k - 1]
  local value = redis.pcall('HGET', KEYS[k], ARGV[1])
  if type(value) == 'table' then
    if not string.find(value.err, 'WRONGTYPE', 1, true) then return value end
    value = false
  end
  if value and ARGV[1] == 'email' then value = string.lower(value) end
  if not value or wanted ~= '' and value ~= wanted then removed = removed + redis.call('ZREM', KEYS[1], entry) end
end
return removed
