-- Removes a consumer from its group if it has no pending entries: XGROUP DELCONSUMER would drop them.
--
-- KEYS     the stream
-- ARGV     the consumer group, the consumer
--
-- Returns 1 if it was removed, else 0. The first write is XACK, which Redis allows when memory is full. Safe to run twice.

local consumers = redis.pcall('XINFO', 'CONSUMERS', KEYS[1], ARGV[1])
if consumers.err then return 0 end
for _, consumer in ipairs(consumers) do
  if consumer[2] == ARGV[2] and consumer[4] == 0 then
    redis.call('XACK', KEYS[1], ARGV[1], '0-0')
    redis.call('XGROUP', 'DELCONSUMER', KEYS[1], ARGV[1], ARGV[2])
    return 1
  end
end
return 0
