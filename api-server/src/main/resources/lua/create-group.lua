-- Makes a consumer group, and the stream if there is none.
--
-- KEYS     the stream
-- ARGV     the group; where it begins: 0, $ or an id
--
-- Returns 1 if it was made, 0 if there was one already, -1 if it would begin at an id that the stream never had. Safe to run twice.

local stream, group, from = KEYS[1], ARGV[1], ARGV[2]
local MOST_COUNTED = 10000

local info = readStreamInfo(stream)
local last = info.err and '0-0' or infoOf(info, 'last-generated-id')

-- How many entries were ever added up to where the group begins, which a server from 7.0 on needs to know the lag; nil if that isn't known.
local function entriesRead()
  local added = not info.err and infoOf(info, 'entries-added')
  if not added or from == '0' then return nil end
  if from == '$' or from == last then return added end
  local after, id = 0, from
  while after < MOST_COUNTED do
    local page = redis.call('XRANGE', stream, '(' .. id, '+', 'COUNT', 1000)
    after = after + #page
    if #page < 1000 then return added - after end
    id = page[#page][1]
  end
end

if from ~= '0' and from ~= '$' and pad(from) > pad(last) then
  return readGroupInfo(stream, group) and 0 or -1
end
local read = entriesRead()
local reply = redis.pcall('XGROUP', 'CREATE', stream, group, from, 'MKSTREAM', unpack(read and { 'ENTRIESREAD', read } or {}))
if not reply.err then return 1 end
if string.find(reply.err, 'BUSYGROUP', 1, true) then return 0 end
error(reply.err)
