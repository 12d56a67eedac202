-- Removes consumers of a group that hold no entries.
--
-- KEYS     the stream
-- ARGV     the group; the consumers
--
-- Returns for each the number of entries that it holds, at most 1,000: 0 if it was removed, or isn't there.
-- Fails with NOGROUP if the stream or the group is gone. Safe to run twice.

local stream, group = KEYS[1], ARGV[1]

local replies = {}
for i = 2, #ARGV do
  local held = #redis.call('XPENDING', stream, group, '-', '+', 1000, ARGV[i])
  if held == 0 then redis.call('XGROUP', 'DELCONSUMER', stream, group, ARGV[i]) end
  replies[#replies + 1] = held
end
return replies
