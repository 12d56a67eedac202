-- Marks as settled what was acknowledged in the consumer group. A processor in sequential mode runs it at its start: programs that share the group
-- may have applied entries without marking them. One call covers one part of the group's pending entries: it copies two entries of the stream for
-- each gap between them, so it ends at a gap with a large one.
--
-- KEYS     the stream, the checkpoint, the settled ranges, and one that doesn't exist
-- ARGV     the consumer group, the pending id after which to go on ('' to begin), the most pending entries to look at
--
-- Returns { next, position }: the pending id after which to go on, '' at the end; and the checkpoint, or 0-0.
-- Settled is what was delivered and isn't pending any more. After a rewind of the group, what lies above its last delivered id is not delivered.
-- Does nothing if the group doesn't exist.
-- While its slot moves to another node key by key, Redis Cluster refuses a script one of whose keys doesn't exist. Otherwise the script would fail
-- in the middle, when it uses a key again that it has removed.
-- The first write is XACK, which Redis allows when memory is full. Safe to run twice.

local stream, checkpointKey, rangesKey = unpack(KEYS)
local group, after, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local HIGHEST = '18446744073709551615-18446744073709551615' -- Redis takes no range after it

local info = readGroupInfo(stream, group)
local delivered = info and infoOf(info, 'last-delivered-id')

-- Adds a range over the entries of an interval of the stream. It takes in the ranges that it overlaps. Returns whether it copied a large entry.
local function settle(from, to)
  if from == '(' .. HIGHEST then return false end
  local first = redis.call('XRANGE', stream, from, to, 'COUNT', 1)[1]
  if not first then return false end
  local last = redis.call('XREVRANGE', stream, to, from, 'COUNT', 1)[1]
  local low, high = pad(first[1]), pad(last[1])
  local atLow, atHigh = rangeOf(rangesKey, low), rangeOf(rangesKey, high)
  low, high = atLow and firstOf(atLow) or low, atHigh and lastOf(atHigh) or high
  redis.call('ZREMRANGEBYLEX', rangesKey, '[' .. low, '[' .. high .. '}')
  redis.call('ZADD', rangesKey, 0, high .. '|' .. low)
  return isLarge(first) or isLarge(last)
end

local next, checkpoint = '', readCheckpoint(checkpointKey)
if delivered then
  requirePermissions(stream, group, rangesKey, withCommandsToAdvance({}, stream, checkpointKey, rangesKey))
  redis.call('XACK', stream, group, '0-0')
  local from = after == '' and '-' or '(' .. after
  local pending = redis.call('XPENDING', stream, group, from, '+', most)
  next = #pending == most and pending[most][1] or ''
  for _, entry in ipairs(pending) do
    if pad(entry[1]) > pad(delivered) then
      next = ''
      break
    end
    local large = settle(from, '(' .. entry[1])
    from = '(' .. entry[1]
    if large then
      next = entry[1]
      break
    end
  end
  if next == HIGHEST then next = '' end
  if next == '' then
    settle(from, delivered)
    checkpoint = advance(checkpoint, pad(delivered), stream, group, checkpointKey, rangesKey)
  end
end
return { next, checkpoint and unpad(checkpoint) or '0-0' }
