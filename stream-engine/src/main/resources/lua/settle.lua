-- Settles a batch for a projection: decides which entries count, and acknowledges the entries. This file is placed between settled.lua and the
-- script of a projection. That script does three things: it reads and checks what it is going to change, calls settle, and writes.
--
-- KEYS[1 .. 5]       the stream, the checkpoint, the settled ranges, the totals, a key to try commands on
-- KEYS[6 ..]         the projection's own keys
-- ARGV[1]            the consumer group
-- ARGV[2]            1: an entry counts only if its XACK here returns 1. 0: sequential mode, which reads without a group
-- ARGV[3]            1: the entries are a gap-free run of the stream. 0: the stream may hold others between them
-- ARGV[4]            N, the number of entries, at least 1
-- ARGV[5]            the numbers (1 to N) of the entries that can't be decoded, separated by spaces
-- ARGV[6 .. N+5]     the ids of the entries, ascending
-- ARGV[N+6 ..]       the projection's own arguments
--
-- A projection uses these names:
--
-- entryCount         N; the entries have the numbers 1 to N
-- ARGV[ids + n]      the id of entry n
-- KEYS[ownKeys + i]  the projection's own key i, counted from 1
-- ARGV[ownArgs + i]  the projection's own argument i, counted from 1
-- probe              the key to try commands on
-- alone[n]           the reason why entry n can't be applied, else nil. The projection adds its reasons before it calls settle. The
--                    entries that can't be decoded are in it from the start, with '' as the reason
-- readHash(key, ...)  see below
-- settle(commands)    see below
--
-- A call that fails has changed nothing, provided that the projection can't fail after it called settle. Safe to run twice: an entry counts
-- only if it isn't settled, and is settled afterwards.
-- Fails with NOGROUP if the group is gone, and with WRONGTYPE or DAMAGED if one of the first keys has the wrong type or an invalid value.

local KEYS, ARGV = KEYS, ARGV -- Lua reads a local faster than a global
local stream, checkpointKey, rangesKey, totalsKey, probe = unpack(KEYS, 1, 5)
local group, mustBePending, contiguous, entryCount = ARGV[1], ARGV[2] == '1', ARGV[3] == '1', tonumber(ARGV[4])
local ownKeys, ids, ownArgs = 5, 5, 5 + entryCount

local alone = {}
for n in string.gmatch(ARGV[5], '%d+') do alone[tonumber(n)] = '' end

-- HMGET of a key that may not be a hash. Returns the values, or nil and the reason why entries that need this key can't be applied. Any other
-- error, such as a missing permission, fails the script, because no entry is the cause.
local function readHash(key, ...)
  local values = redis.pcall('HMGET', key, ...)
  if not values.err then return values end
  if not string.find(values.err, 'WRONGTYPE', 1, true) then error(values.err) end
  return nil, key .. ' is not a hash'
end

-- Acknowledges the entries and counts them in the totals. The projection calls it once, when nothing but its writes is left to do.
--
-- commands: the commands that the projection runs afterwards, as requirePermissions takes them, each with the keys that it will write.
-- total: the total that the entries count in; 'applied' if missing.
--
-- Returns passedOver and outcome. passedOver[n] is true if entry n must not be written, because alone[n] is set, it was settled before, or is not
-- pending; else it is nil. The outcome is what the script returns: { applied, skipped, { id, reason, id, reason, ... } }, that is how
-- many entries count; how many are only acknowledged, because they were settled before (the group was rewound or made anew); and the
-- entries left alone, except those that can't be decoded. If outcome[1] is entryCount, all entries count and passedOver is empty.
local function settle(commands, total)
  local isSettled, clear =
    settledBetween(stream, checkpointKey, rangesKey, ARGV[ids + 1], ARGV[ids + entryCount], mustBePending)
  local settled = {}
  if isSettled ~= never then
    for n = 1, entryCount do settled[n] = isSettled(ARGV[ids + n]) end
  end

  -- XACK returns 0 for an entry that isn't pending, and also if there is no group. XPENDING fails if there is no group.
  if mustBePending then
    redis.call('XPENDING', stream, group, '-', '+', 1)
  else
    commands = withCommandsToAdvance(commands, stream, checkpointKey, rangesKey)
  end
  requirePermissions(stream, group, rangesKey, commands)

  -- Redis doesn't roll a script back, so everything that can fail is above this line. The first write is XACK: Redis allows it when memory
  -- is full, and then also allows the writes that follow it in the same script.

  local call = redis.call
  local passedOver, applied, skipped, left = {}, 0, 0, {}

  -- The quick path: as far as there is nothing to decide. Mostly that is all of the batch.
  if isSettled == never and not next(alone) then
    while applied < entryCount and (call('XACK', stream, group, ARGV[ids + applied + 1]) == 1 or not mustBePending) do
      applied = applied + 1
    end
  end

  local runs, from = {}, 1 -- the entries that count, as { number of the first, number of the last }
  local function passOver(n)
    passedOver[n] = true
    if from < n then runs[#runs + 1] = { from, n - 1 } end
    from = n + 1
  end

  for n = applied + 1, entryCount do
    local id, reason = ARGV[ids + n], alone[n]
    if reason then
      passOver(n)
      if reason ~= '' then
        left[#left + 1] = id
        left[#left + 1] = reason
      end
    else
      local settledBefore = settled[n]
      local pending = call('XACK', stream, group, id) == 1
      if settledBefore then
        passOver(n)
        if pending then skipped = skipped + 1 end
      elseif pending or not mustBePending then
        applied = applied + 1
      else
        passOver(n)
      end
    end
  end
  if from <= entryCount then runs[#runs + 1] = { from, entryCount } end

  -- One range goes over a run only if nothing is hidden in it. Entries that others deleted from the stream don't show as a gap: a range might
  -- be there already, or one of them might still be pending, and has to be counted as lost.
  local ranges = {}
  for _, run in ipairs(runs) do
    local first, last = ARGV[ids + run[1]], ARGV[ids + run[2]]
    if first == last or contiguous and clear and not redis.pcall('XPENDING', stream, group, first, last, 1)[1] then
      ranges[#ranges + 1] = rangeOver(first, last)
    else
      for n = run[1], run[2] do ranges[#ranges + 1] = rangeOver(ARGV[ids + n], ARGV[ids + n]) end
    end
  end
  writeRanges(rangesKey, ranges)
  count(totalsKey, total or 'applied', applied)
  count(totalsKey, 'skipped', skipped)
  if not mustBePending then advanceOver(ARGV[ids + entryCount], stream, group, checkpointKey, rangesKey) end
  return passedOver, { applied, skipped, left }
end
