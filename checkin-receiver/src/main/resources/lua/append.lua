-- Appends checkins to the stream: those of several requests at once, each request all or nothing.
--
-- KEYS[1]      the stream
-- KEYS[2 ..]   the idempotency keys of those requests that carry one; then, if ARGV[4] isn't 0, a mark for each checkin of all requests, which tells that
--              its user has checked in at its location
-- ARGV[1]      the most entries that the stream may have
-- ARGV[2]      for how many milliseconds the result of a request with an idempotency key is kept
-- ARGV[3]      '1' if WAIT or WAITAOF follows
-- ARGV[4]      for how many milliseconds a mark is kept, so that no checkin with the same mark is appended; 0 for no marks
-- ARGV[5]      the number of idempotency keys
-- then for each request: the number of its idempotency key in KEYS, or 0; how many checkins it has, 1 or more; and for each of them its
-- user, location and stars
--
-- Returns a text for each request:
--   '+ <run> ...'    appended; the ids are these runs, in the order of the checkins. A run '~/<how many>' was not appended, because there was a mark
--   '= <run> ...'    the request is a repeat: nothing was appended, these are the ids of the first time
--   '!mismatch'      the idempotency key was used with other values: nothing was appended
--   '!repeat'        there was a mark for each of its checkins: nothing was appended
--   '!full'          the stream would be longer than it may: nothing was appended
--   '!exhausted'     the stream has no higher id left: nothing was appended
--   '!unknown'       a part was appended, with the last ids there are; or all, but the result could not be kept, and a repeat would be appended again
--   '!damaged'       the idempotency key holds something that is none of ours: nothing was appended
-- A run is '<first id>/<how many>': ids of the same millisecond whose sequence numbers go up by one.
-- Fails with OOM, READONLY and the like. Then nothing was appended, as Redis refuses the first write or none.
--
-- Run twice, it appends twice: only a request with an idempotency key takes effect once.
--
-- WAIT waits for the last write of its own connection; from Redis 8 and Valkey 8 on, a script that wrote nothing doesn't count. What a repeat answers with
-- may have been written over another connection, and not be durable yet. So if there is a repeat and WAIT follows, the script always writes: it sets
-- the expiry of a repeat's key to what it is. It does so at the end, because after a first write Redis would not refuse an XADD when memory is full.

local call, pcall, match = redis.call, redis.pcall, string.match
local stream = KEYS[1]
local most, keepFor, mustWrite = tonumber(ARGV[1]), ARGV[2], ARGV[3] == '1'
local markFor = ARGV[4] ~= '0' and ARGV[4]
local nextMark = 2 + ARGV[5]

-- What tells two requests apart: their values. 64 bits are enough where nobody but the owner of a key gains from a collision.
local function fingerprint(from, to)
  return string.sub(redis.sha1hex(table.concat(ARGV, ' ', from, to)), 1, 16)
end

-- Collects ids to runs.
local function newRuns()
  local runs, first, millis, sequence, count = {}, nil, nil, nil, 0
  local function close()
    if first then runs[#runs + 1] = first .. '/' .. string.format('%d', count) end
  end
  local function skip()
    if first ~= '~' then
      close()
      first, millis, count = '~', nil, 0
    end
    count = count + 1
  end
  local function add(id)
    local idMillis, idSequence = match(id, '^(%d+)-(%d+)$')
    idSequence = tonumber(idSequence)
    if first and idMillis == millis and idSequence == sequence + 1 and idSequence < 2 ^ 53 then
      count = count + 1
    else
      close()
      first, millis, count = id, idMillis, 1
    end
    sequence = idSequence
  end
  local function text()
    close()
    return table.concat(runs, ' ')
  end
  return add, skip, text
end

local length = call('XLEN', stream)
local written = false

-- Returns the runs, or the text that says why there are none.
local function append(from, count, firstMark)
  if length + count > most then return nil, '!full' end
  local add, skip, text = newRuns()
  local appended = 0
  for n = 0, count - 1 do
    local i, mark = from + 3 * n, markFor and KEYS[firstMark + n]
    if mark and not call('SET', mark, '1', 'NX', 'PX', markFor) then
      skip()
    else
      local id = pcall('XADD', stream, '*', 'userId', ARGV[i], 'locationId', ARGV[i + 1], 'starRating', ARGV[i + 2])
      if type(id) == 'table' and id.err then
        if mark then call('DEL', mark) end
        local exhausted = string.find(id.err, 'exhausted', 1, true)
        if not written and not exhausted then error(id.err) end
        return nil, appended == 0 and '!exhausted' or '!unknown'
      end
      written = true
      appended = appended + 1
      length = length + 1
      add(id)
    end
  end
  if appended == 0 then return nil, '!repeat' end
  return text()
end

local replies = {}
local repeated
local i = 6
while i <= #ARGV do
  local key, count = tonumber(ARGV[i]), tonumber(ARGV[i + 1])
  local from = i + 2
  local to = from + 3 * count - 1
  local before = key > 0 and pcall('GET', KEYS[1 + key])
  local reply
  if not before then
    local runs, refusal = append(from, count, nextMark)
    if runs and key > 0 then
      local kept = pcall('SET', KEYS[1 + key], fingerprint(from, to) .. ' ' .. runs, 'PX', keepFor)
      if kept.err then runs, refusal = nil, '!unknown' end
    end
    reply = runs and '+ ' .. runs or refusal
  elseif type(before) == 'table' or not match(before, '^%x+ [%d~]') then
    reply = '!damaged'
  elseif string.sub(before, 1, 16) == fingerprint(from, to) then
    reply = '= ' .. string.sub(before, 18)
    repeated = KEYS[1 + key]
  else
    reply = '!mismatch'
  end
  replies[#replies + 1] = reply
  i = to + 1
  nextMark = nextMark + count
end
if mustWrite and repeated and not written then
  local left = call('PTTL', repeated)
  call('PEXPIRE', repeated, left > 0 and left or keepFor)
end
return replies
