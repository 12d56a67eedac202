-- Runs every command of the engine's scripts once, on a key of its own. Otherwise a missing permission of the Redis user might show only in
-- the middle of a script, after entries were acknowledged.
--
-- KEYS[1]  a key whose content doesn't matter; it is deleted
--
-- Fails with NOPERM. Safe to run twice, and when memory is full, because Redis allows the DEL, and then the writes after it.

local key = KEYS[1]
redis.call('DEL', key)
redis.call('XADD', key, '0-1', 'probe', '1')
redis.call('XGROUP', 'CREATE', key, 'probe', '0')
redis.call('XACK', key, 'probe', '0-1')
redis.call('XAUTOCLAIM', key, 'probe', 'probe', 0, '0-0')
redis.call('XPENDING', key, 'probe', '-', '+', 1)
redis.call('XGROUP', 'DELCONSUMER', key, 'probe', 'probe')
redis.call('XINFO', 'STREAM', key)
redis.call('XINFO', 'GROUPS', key)
redis.call('XINFO', 'CONSUMERS', key, 'probe')
redis.call('XLEN', key)
redis.call('XRANGE', key, '-', '+', 'COUNT', 1)
redis.call('XREVRANGE', key, '+', '-', 'COUNT', 1)
redis.call('XTRIM', key, 'MINID', '=', '1-0')
redis.call('DEL', key)
redis.call('HSET', key, 'probe', '1')
redis.call('HSETNX', key, 'probe', '1')
redis.call('HGETALL', key)
redis.call('HINCRBY', key, 'probe', 1)
redis.call('HMGET', key, 'probe')
redis.call('HGET', key, 'probe')
redis.call('HLEN', key)
redis.call('DEL', key)
redis.call('ZADD', key, 0, 'probe')
redis.call('ZRANGEBYLEX', key, '-', '+', 'LIMIT', 0, 1)
redis.call('ZREVRANGEBYLEX', key, '+', '-', 'LIMIT', 0, 1)
redis.call('ZREMRANGEBYLEX', key, '-', '+')
redis.call('DEL', key)
redis.call('SET', key, '1')
redis.call('GET', key)
redis.call('EXISTS', key)
redis.call('DEL', key)
redis.call('TIME')
return 1
