-- Claims entries that their consumers have held for too long: one step of a walk through the group's pending entries.
--
-- KEYS[1]  the stream
-- ARGV     the consumer group, the consumer that claims, the idle time in milliseconds, the cursor (0-0 to begin), the most to claim
--
-- Returns { cursor, { { id, { field, value, ... } }, ... } }: where to go on (0-0 at the end), and the claimed entries by ascending id.
-- Entries that no longer are in the stream are left out: 6.2 answers nil for them, 7.0 names them apart.
-- Fails with NOGROUP if the stream or the group is gone. Safe to run twice: what was claimed just now isn't idle.

local reply = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT', ARGV[5])
local entries = {}
for i = 1, #reply[2] do
  local entry = reply[2][i]
  if entry then entries[#entries + 1] = entry end
end
return { reply[1], entries }
