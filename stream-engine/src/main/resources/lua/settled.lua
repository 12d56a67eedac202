-- Records and looks up which entries are settled: applied, set aside, or counted as lost. This file is prepended to each script that needs it.
--
-- An entry is settled if it is not above the checkpoint, or if it is within a range. A range is a member of a sorted set whose scores are all 0:
-- "<last>|<first>", both ids padded, so that members sort in the order of ids. Ranges never overlap. So the only range that can hold an id is the
-- first one whose <last> isn't below the id.

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

-- Whether a padded id is one that there can be: neither part is longer or higher than Redis allows.
local function fits(padded)
  local highest = '18446744073709551615'
  return #padded == 41 and string.sub(padded, 1, 20) <= highest and string.sub(padded, 22) <= highest
end

-- Returns a member of the sorted set, or nil. Fails if it is not a range: it would look like one that holds every id below it, or like one of a
-- stream that is gone.
local function checked(rangesKey, range)
  if not range then return nil end
  local last, first = string.match(range, '^(%d+%-%d+)|(%d+%-%d+)$')
  if not last or pad(last) ~= last or pad(first) ~= first or not fits(last) or not fits(first) then
    error('DAMAGED ' .. rangesKey .. ' has a member that is not a range of ids')
  end
  return range
end

local function rangeAt(rangesKey, padded)
  return checked(rangesKey, redis.call('ZRANGEBYLEX', rangesKey, '[' .. padded, '+', 'LIMIT', 0, 1)[1])
end

local function highestRange(rangesKey)
  return checked(rangesKey, redis.call('ZREVRANGEBYLEX', rangesKey, '+', '-', 'LIMIT', 0, 1)[1])
end

-- The range that holds an id, or nil.
local function rangeOf(rangesKey, padded)
  local range = rangeAt(rangesKey, padded)
  return range and firstOf(range) <= padded and range or nil
end

-- The padded checkpoint, or false; and whether it has no sequence number. Other programs may write it so, as XREAD takes it: 0, or milliseconds.
local function readCheckpoint(checkpointKey)
  local checkpoint = redis.call('GET', checkpointKey)
  if not checkpoint then return false end
  local id = string.match(checkpoint, '^%d+%-%d+$')
  local millis = not id and string.match(checkpoint, '^%d+$')
  local padded = (id or millis) and pad(id or millis .. '-0')
  if not padded or not fits(padded) then error('DAMAGED ' .. checkpointKey .. ' is not a stream id') end
  return padded, not id
end

-- An element of a reply of XINFO. Later versions have more of them, so they are found by name.
local function infoOf(reply, name)
  for i = 1, #reply, 2 do
    if reply[i] == name then return reply[i + 1] end
  end
end

-- XINFO STREAM. Returns the error if the stream doesn't exist; any other error fails the script.
local function readStreamInfo(streamKey)
  local info = redis.pcall('XINFO', 'STREAM', streamKey)
  if info.err and redis.call('EXISTS', streamKey) == 1 then error(info.err) end
  return info
end

-- XINFO GROUPS, of one group. Returns nil if the group or the stream doesn't exist; any other error fails the script.
local function readGroupInfo(streamKey, group)
  local groups = redis.pcall('XINFO', 'GROUPS', streamKey)
  if groups.err and redis.call('EXISTS', streamKey) == 1 then error(groups.err) end
  for _, info in ipairs(groups) do
    if infoOf(info, 'name') == group then return info end
  end
end

-- Drops a checkpoint and ranges that belong to a stream that is gone, as they would make new entries look settled. A checkpoint of milliseconds
-- alone is a time that another program wrote, not the id of an entry. If it is above the last id of the stream, it is set to that.
-- Returns whether it dropped something, the padded last id, and the reply of XINFO STREAM, or its error if the stream doesn't exist.
-- The first write is DEL or XACK, which Redis allows when memory is full.
local function dropStale(streamKey, checkpointKey, rangesKey)
  local info = readStreamInfo(streamKey)
  local last
  if not info.err then last = pad(infoOf(info, 'last-generated-id')) end
  local checkpoint, isTime = readCheckpoint(checkpointKey)
  local range = highestRange(rangesKey)
  local ahead = checkpoint and (not last or checkpoint > last)
  local stale = (ahead and not (isTime and last)) or (range and (not last or lastOf(range) > last))
  if stale then
    redis.call('DEL', checkpointKey, rangesKey)
  elseif ahead then
    redis.call('XACK', streamKey, '', '0-0')
    redis.call('SET', checkpointKey, unpad(last))
  end
  return stale, last, info
end

local function never() return false end

-- Prepares the lookup of ids from first to last, which may be the same. Returns a function that tells whether one of these ids is settled, and
-- whether it is certain that none of them is in a range. For a batch of new entries this costs two reads, however long the batch is.
-- Stale keys are dropped only if an entry must be pending to count. In sequential mode, a batch of a stream that is gone would count again.
local function settledBetween(streamKey, checkpointKey, rangesKey, first, last, mustBePending)
  local checkpoint = readCheckpoint(checkpointKey)
  local low, high = pad(first), pad(last)
  local range = rangeAt(rangesKey, low)
  local clear = not range or firstOf(range) > high
  if clear and not (checkpoint and low <= checkpoint) then return never, true end
  if mustBePending and dropStale(streamKey, checkpointKey, rangesKey) then return never, true end
  return function(id)
    local padded = pad(id)
    if checkpoint and padded <= checkpoint then return true end
    if clear then return false end
    return rangeOf(rangesKey, padded)
  end, clear
end

-- Whether it costs much to copy an entry, as every command that reads one does.
local function isLarge(entry)
  local bytes = 0
  for i = 1, math.min(#entry[2], 1000) do bytes = bytes + #entry[2][i] end
  return #entry[2] > 1000 or bytes > 65536
end

-- Moves the checkpoint (or false) on through the ranges until there is an unsettled entry. That is an entry of the stream, or an entry that is
-- pending in the group and was deleted from the stream: it isn't settled until it is counted as lost. The group is nil if it doesn't exist.
-- Returns the new checkpoint; the first unsettled id, '' if there is none up to last; and 2 if it reached the limit of one call, so that the
-- first unsettled id isn't known, else 0. The limit is 1,000 steps, or the first large entry.
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
    if isLarge(entry) then break end
  end
  return checkpoint, '', 2
end

-- Moves the checkpoint on from a padded id, or from the beginning if that is false, and drops the ranges below it: up to 5,000 in one call, and
-- those that are left do no harm. Returns what settledUpTo returns, but 1 instead of 0 if ranges are left.
local function advance(from, last, streamKey, group, checkpointKey, rangesKey)
  local checkpoint, oldest, more = settledUpTo(from, last, streamKey, group, rangesKey)
  if checkpoint then
    local top = '[' .. checkpoint .. '}' -- '}' is above the '|' after <last>
    local below = redis.call('ZRANGEBYLEX', rangesKey, '-', top, 'LIMIT', 0, 5000)
    redis.call('ZREMRANGEBYLEX', rangesKey, '-', #below > 0 and '[' .. below[#below] or top)
    if #below == 5000 and more == 0 then more = 1 end
    if unpad(checkpoint) ~= redis.call('GET', checkpointKey) then redis.call('SET', checkpointKey, unpad(checkpoint)) end
  end
  return checkpoint, oldest, more
end

-- In sequential mode, the script that settles entries also moves the checkpoint over them, so that the checkpoint is always the last settled
-- entry. These two functions are for that: the first adds the commands that advanceOver needs to those that requirePermissions is given; they
-- change nothing. The second moves the checkpoint, up to an id.
local function withCommandsToAdvance(commands, streamKey, checkpointKey, rangesKey)
  redis.call('XRANGE', streamKey, '-', '-')
  return {
    { 'SET', checkpointKey, redis.call('GET', checkpointKey) or '0-0', 'XX' },
    { 'ZREMRANGEBYLEX', rangesKey, '+', '-' },
    unpack(commands),
  }
end

local function advanceOver(last, streamKey, group, checkpointKey, rangesKey)
  local known = not redis.pcall('XPENDING', streamKey, group, '-', '+', 1).err
  advance(readCheckpoint(checkpointKey), pad(last), streamKey, known and group or nil, checkpointKey, rangesKey)
end

local function rangeOver(first, last) return pad(last) .. '|' .. pad(first) end

local function writeRanges(rangesKey, ranges)
  for i = 1, #ranges, 1000 do
    local scored = {}
    for j = i, math.min(i + 999, #ranges) do
      scored[#scored + 1] = 0
      scored[#scored + 1] = ranges[j]
    end
    redis.call('ZADD', rangesKey, unpack(scored))
  end
end

-- Adds to a total. Ignores errors, such as a wrong type: if the script failed here, after its first write, it would have done half of its work.
-- The janitor reports totals that nothing can be added to.
local function count(totalsKey, name, by)
  if by > 0 then redis.pcall('HINCRBY', totalsKey, name, by) end
end

-- Fails unless this user of Redis may run a command with a key. Redis before 7.0 can't tell, and then this function does nothing.
local function requirePermission(command, key, ...)
  if redis.acl_check_cmd and not redis.acl_check_cmd(command, key, ...) then
    error('NOPERM this user may not run ' .. command .. ' with ' .. key)
  end
end

-- Fails unless this user of Redis may run the commands that follow the first XACK of an entry. After that XACK it would be too late.
-- Each command is a table of its name and arguments. Redis 7.0 and newer can check a permission, and a user may have it for some keys only. So
-- the table's field keys lists what the command will write: one key of each kind, as each of them costs time. On older servers a user has a command
-- for all of its keys, and this function runs the command, so its arguments must name a key whose content doesn't matter. WRONGTYPE then shows the
-- permission, too. ZADD is always among what follows, and with XX it adds no member. The XACK of an id that is never pending comes first: Redis
-- allows it when memory is full, and then allows the writes after it.
local function requirePermissions(streamKey, group, rangesKey, commands)
  if redis.acl_check_cmd then
    requirePermission('XACK', streamKey, group, '0-0')
    requirePermission('ZADD', rangesKey, 0, 'probe')
    for _, command in ipairs(commands) do
      for _, key in ipairs(command.keys or { command[2] }) do requirePermission(command[1], key, unpack(command, 3)) end
    end
    return
  end
  redis.call('XACK', streamKey, group, '0-0')
  redis.call('ZADD', rangesKey, 'XX', 0, 'probe')
  for _, command in ipairs(commands) do
    local reply = redis.pcall(unpack(command))
    local err = type(reply) == 'table' and reply.err
    if err and not string.find(err, 'WRONGTYPE', 1, true) then error(err) end
  end
end
