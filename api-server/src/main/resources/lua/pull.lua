-- Reads entries as a consumer of a group: first those that a consumer has held for too long, then new ones.
--
-- KEYS     the stream
-- ARGV     the group, the consumer, the most entries, the milliseconds after which an entry is taken over, 1 to acknowledge what is read
--
-- Returns { { id, { field, value, ... } }, ... }, ascending within each of the two kinds. Entries that were deleted from the stream while they were
-- pending are acknowledged and left out.
-- Fails with NOGROUP if the stream or the group is gone. Run twice it gives what comes next; what an answer that was lost had in it is pending, and
-- given again when it has been held for too long, or with 1 in the end is gone.

local stream = KEYS[1]
local group, consumer, most, idle, acknowledge = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5] == '1'

-- One call looks at ten times as many pending entries as it may claim: a longer walk goes on until something is found or the end is reached.
local entries, cursor = {}, '0-0'
for step = 1, 10 do
  local claimed = redis.call('XAUTOCLAIM', stream, group, consumer, idle, cursor, 'COUNT', most - #entries)
  local ghosts = 0
  for i = 1, #claimed[2] do
    if claimed[2][i] then entries[#entries + 1] = claimed[2][i] else ghosts = ghosts + 1 end
  end
  if ghosts > 0 then -- 6.2 gives no ids: they are among what this consumer holds now
    for _, held in ipairs(redis.call('XPENDING', stream, group, cursor, '+', 1000, consumer)) do
      if #redis.call('XRANGE', stream, held[1], held[1]) == 0 then redis.call('XACK', stream, group, held[1]) end
    end
  end
  cursor = claimed[1]
  if cursor == '0-0' or #entries >= most then break end
end

if #entries < most then
  local new = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', most - #entries, 'STREAMS', stream, '>')
  for _, entry in ipairs(new and new[1] and new[1][2] or {}) do entries[#entries + 1] = entry end
end

if acknowledge then
  for _, entry in ipairs(entries) do redis.call('XACK', stream, group, entry[1]) end
end
return entries
