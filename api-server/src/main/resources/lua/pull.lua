-- Reads entries as a consumer of a group: those that a consumer has held for too long, and new ones.
--
-- KEYS     the stream
-- ARGV[1]  the group
-- ARGV[2]  the consumer
-- ARGV[3]  the most entries
-- ARGV[4]  the milliseconds after which an entry is taken over
-- ARGV[5]  where to go on with looking for such entries, '0-0' for the beginning; '' to look for none
-- ARGV[6]  'auto' to acknowledge what is read
-- ARGV[7]  'held' to return what the consumer already holds and nothing else; 'new' to read new entries before it claims; else ''
--
-- Returns { where to go on, '0-0' at the end, '' if it looked for none; how many entries were claimed; { { id, { field, value, ... }, deliveries }, ... } },
-- ascending within each kind. It looks for none either if as many new entries came first as it may return. With 'held', where to go on is 'more' if it
-- found nothing but has not looked at all that the consumer holds: the same call goes on. Entries that were deleted from the stream while they were
-- pending are acknowledged and left out.
-- One call looks at about 1,000 pending entries that it doesn't return.
-- Fails with NOGROUP if the stream or the group is gone. Run twice it gives what comes next; what an answer that was lost had in it is pending, and
-- given again when it has been held for too long, or with 'auto' is gone.

local stream = KEYS[1]
local group, consumer, most, idle, cursor, order = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5], ARGV[7]
local MOST_LOOKED_AT = 1000
local MOST_CLAIMED_AT_ONCE = 100

local entries = {}

local function add(entry, deliveries)
  entries[#entries + 1] = { entry[1], entry[2], deliveries }
end

local function deliveriesOf(id)
  local held = redis.call('XPENDING', stream, group, id, id, 1)[1]
  return held and held[4] or 1
end

local function read(id)
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', most - #entries, 'STREAMS', stream, id)
  return reply and reply[1] and reply[1][2] or {}
end

-- Reads what the consumer holds, oldest first.
local function readOwn()
  local after, left = '0-0', MOST_LOOKED_AT
  while left > 0 do -- as long as there are only entries that were deleted
    local held = read(after)
    if #held == 0 then return end
    for _, entry in ipairs(held) do
      if entry[2] and #entry[2] > 0 then
        add(entry, deliveriesOf(entry[1]))
      else
        redis.call('XACK', stream, group, entry[1])
      end
    end
    if #entries > 0 then return end
    after = held[#held][1]
    left = left - #held
  end
  cursor = 'more'
end

local function readNew()
  if #entries >= most then return end
  for _, entry in ipairs(read('>')) do add(entry, 1) end
end

local claimed = 0

-- XAUTOCLAIM looks at up to ten times as many entries as it may claim.
local function claim()
  local left = MOST_LOOKED_AT
  while left > 0 and #entries < most do
    local count = math.min(most - #entries, MOST_CLAIMED_AT_ONCE)
    local reply = redis.call('XAUTOCLAIM', stream, group, consumer, idle, cursor, 'COUNT', count)
    local ghosts = 0
    for i = 1, #reply[2] do
      if reply[2][i] then
        add(reply[2][i], deliveriesOf(reply[2][i][1]))
        claimed = claimed + 1
      else
        ghosts = ghosts + 1
      end
    end
    if ghosts > 0 then -- 6.2 gives no ids: they are among what this consumer holds now
      for _, held in ipairs(redis.call('XPENDING', stream, group, cursor, '+', 1000, consumer)) do
        if #redis.call('XRANGE', stream, held[1], held[1]) == 0 then redis.call('XACK', stream, group, held[1]) end
      end
    end
    cursor = reply[1]
    if cursor == '0-0' then return end
    left = left - (#reply[2] < count and 10 * count or count)
  end
end

if order == 'held' then
  readOwn()
else
  if order == 'new' then readNew() end
  if #entries >= most then
    cursor = ''
  elseif cursor ~= '' then
    claim()
  end
  readNew()
end

if ARGV[6] == 'auto' then
  for _, entry in ipairs(entries) do redis.call('XACK', stream, group, entry[1]) end
end
return { cursor, claimed, entries }
