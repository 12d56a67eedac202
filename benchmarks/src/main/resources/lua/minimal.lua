-- Counts a batch of checkins with the least that can be called exactly once: an entry counts if its XACK returns 1. Nothing else is looked at:
-- no checkpoint, no types, no permissions, no order of ids. It is what the processor's promises are measured against.
--
-- KEYS[1]           the stream
-- KEYS[2 ..]        the users of the batch, each once, then its locations
-- ARGV[1 .. 3]      the consumer group; N, the number of entries; the number of users
-- ARGV[4 .. N + 3]  the ids of the entries, ascending
-- then the ids of the locations, in the order of their keys; then for each entry the number of its user, the number of its location, its stars
--
-- Returns how many entries count

local KEYS, ARGV = KEYS, ARGV
local call = redis.call
local stream, group, entries, users = KEYS[1], ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local locations = #KEYS - 1 - users
local locationIds = 3 + entries
local applied, added, newest, at, visited, stars = 0, {}, {}, {}, {}, {}
for n = 1, entries do
  local id, arg = ARGV[3 + n], locationIds + locations + 3 * n - 2
  if call('XACK', stream, group, id) == 1 then
    local u, l = tonumber(ARGV[arg]), tonumber(ARGV[arg + 1])
    applied = applied + 1
    added[u], newest[u], at[u] = (added[u] or 0) + 1, id, l
    visited[l], stars[l] = (visited[l] or 0) + 1, (stars[l] or 0) + ARGV[arg + 2]
  end
end
for u = 1, users do
  if added[u] then
    local key = KEYS[1 + u]
    call('HSET', key, 'numCheckins', (call('HGET', key, 'numCheckins') or 0) + added[u],
      'lastCheckin', string.match(newest[u], '^%d+'), 'lastSeenAt', ARGV[locationIds + at[u]])
  end
end
for l = 1, locations do
  if visited[l] then
    local key = KEYS[1 + users + l]
    local before = call('HMGET', key, 'numCheckins', 'numStars')
    local total, sum = (before[1] or 0) + visited[l], (before[2] or 0) + stars[l]
    call('HSET', key, 'numCheckins', total, 'numStars', sum, 'averageStars', math.floor((2 * sum + total) / (2 * total)))
  end
end
return applied
