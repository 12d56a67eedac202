-- What is settled: applied, set aside, or counted as lost. This text stands before each script that needs it.
--
-- Settled is every entry up to and including the checkpoint, and every entry within a range. A range is a member of a sorted set whose
-- scores are all 0: "<last>|<first>", both ids padded, so that the order of the text is the order of the ids. Ranges never overlap: the one
-- that may hold an id is the first whose <last> isn't below it.

local function pad(id)
  local millis, sequence = string.match(id, '^(%d+)%-(%d+)$')
  return string.rep('0', 20 - #millis) .. millis .. '-' .. string.rep('0', 20 - #sequence) .. sequence
end

local function unpad(padded)
  local millis, sequence = string.match(padded, '^0*(%d+)%-0*(%d+)$')
  return millis .. '-' .. sequence
end

local function lastOf(range) return string.sub(range, 1, 41) end
local function firstOf(range) return string.sub(range, 43) end

local function rangeAt(rangesKey, padded)
  return redis.call('ZRANGEBYLEX', rangesKey, '[' .. padded, '+', 'LIMIT', 0, 1)[1]
end

-- The range that holds an id, or nil.
local function rangeOf(rangesKey, padded)
  local range = rangeAt(rangesKey, padded)
  return range and firstOf(range) <= padded and range or nil
end

-- The padded checkpoint, or false.
local function readCheckpoint(checkpointKey)
  local checkpoint = redis.call('GET', checkpointKey)
  if not checkpoint then return false end
  if not string.match(checkpoint, '^%d+%-%d+$') then error('DAMAGED ' .. checkpointKey .. ' is not a stream id') end
  return pad(checkpoint)
end

-- XINFO STREAM, with an error only for a stream that isn't there.
local function readStreamInfo(streamKey)
  local info = redis.pcall('XINFO', 'STREAM', streamKey)
  if info.err and redis.call('EXISTS', streamKey) == 1 then error(info.err) end
  return info
end

-- What belongs to a stream that is gone would make all that is new look settled. Returns whether there was such, and the padded last id of
-- the stream. Its write is one that Redis allows when memory is full.
local function dropStale(streamInfo, checkpointKey, rangesKey)
  local last
  if not streamInfo.err then
    for i = 1, #streamInfo, 2 do
      if streamInfo[i] == 'last-generated-id' then last = pad(streamInfo[i + 1]) end
    end
  end
  local checkpoint = readCheckpoint(checkpointKey)
  local range = redis.call('ZREVRANGEBYLEX', rangesKey, '+', '-', 'LIMIT', 0, 1)[1]
  local stale = (checkpoint and (not last or checkpoint > last)) or (range and (not last or lastOf(range) > last))
  if stale then redis.call('DEL', checkpointKey, rangesKey) end
  return stale, last
end

local function never() return false end

-- Looks at ids from first to last, which may be the same. Returns a function that tells whether one of them is settled, and whether none
-- of them can be in a range. For a run of new entries that costs two reads, however long it is.
-- What is stale is dropped only where an entry must be pending to count: without a group, a batch of a stream that is gone would count again.
local function settledBetween(streamKey, checkpointKey, rangesKey, first, last, mustBePending)
  local checkpoint = readCheckpoint(checkpointKey)
  local low, high = pad(first), pad(last)
  local range = rangeAt(rangesKey, low)
  local clear = not range or firstOf(range) > high
  if clear and not (checkpoint and low <= checkpoint) then return never, true end
  if mustBePending and dropStale(readStreamInfo(streamKey), checkpointKey, rangesKey) then return never, true end
  return function(id)
    local padded = pad(id)
    if checkpoint and padded <= checkpoint then return true end
    if clear then return false end
    return rangeOf(rangesKey, padded)
  end, clear
end

-- Goes from the checkpoint (or false) on through the ranges, as long as nothing unsettled lies between: neither an entry of the stream, nor one
-- that is pending in the group and was deleted from the stream, as it is not settled before it is counted as lost. The group is nil if it is not
-- there. Returns how far it came; the first unsettled id, '' if there is none up to the last; and 2 if it took as many steps as one call may,
-- so that this is not known, else 0.
local function settledUpTo(checkpoint, last, streamKey, group, rangesKey)
  for step = 1, 1000 do
    if checkpoint and checkpoint >= last then return checkpoint, '', 0 end
    local from = checkpoint and '(' .. unpad(checkpoint) or '-'
    local entry = redis.call('XRANGE', streamKey, from, '+', 'COUNT', 1)[1]
    local range = entry and rangeOf(rangesKey, pad(entry[1]))
    local to = range and '(' .. unpad(firstOf(range)) or entry and '(' .. entry[1] or '+'
    local gone = group and redis.call('XPENDING', streamKey, group, from, to, 1)[1]
    if gone or not range then return checkpoint, gone and gone[1] or entry and entry[1] or '', 0 end
    checkpoint = lastOf(range)
  end
  return checkpoint, '', 2
end

-- Collects what is settled now: add(id) for each entry ascending, gap() where one in between is not. Entries are joined to ranges only
-- where the caller says that the stream has nothing else between them.
local function newRanges(contiguous)
  local ranges, first, last = {}, nil, nil
  local function gap()
    if first then ranges[#ranges + 1] = pad(last) .. '|' .. pad(first) end
    first = nil
  end
  local function add(id)
    if not contiguous then gap() end
    first, last = first or id, id
  end
  local function write(rangesKey)
    gap()
    for i = 1, #ranges, 1000 do
      local scored = {}
      for j = i, math.min(i + 999, #ranges) do
        scored[#scored + 1] = 0
        scored[#scored + 1] = ranges[j]
      end
      redis.call('ZADD', rangesKey, unpack(scored))
    end
  end
  return add, gap, write
end

-- Never lets a counter stop anything: a script that fails after its first write would have done half of its work.
local function count(totalsKey, name, by)
  if by > 0 then redis.pcall('HINCRBY', totalsKey, name, by) end
end

-- { applied, dead, lost, skipped }, as texts; '0' for what isn't counted, or not as a number.
local function readTotals(totalsKey)
  local counted = redis.pcall('HMGET', totalsKey, 'applied', 'dead', 'lost', 'skipped')
  local totals = {}
  for i = 1, 4 do totals[i] = string.match(counted[i] or '', '^%d+$') or '0' end
  return totals
end

-- Fails unless this user of Redis may run the commands that follow the first XACK of an entry. After that XACK it would be too late.
-- Each command is a table of its name and arguments, and is run. Its arguments name a key whose content doesn't matter: a command that
-- needs another type fails with WRONGTYPE, and that shows the permission, too. ZADD is always among what follows, and with XX it adds no member.
-- The XACK of an id that is never pending comes first: Redis allows it when memory is full, and then allows the writes after it.
local function requirePermissions(streamKey, group, rangesKey, commands)
  redis.call('XACK', streamKey, group, '0-0')
  redis.call('ZADD', rangesKey, 'XX', 0, 'probe')
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    local err = type(reply) == 'table' and reply.err
    if err and not string.find(err, 'WRONGTYPE', 1, true) then error(err) end
  end
end
