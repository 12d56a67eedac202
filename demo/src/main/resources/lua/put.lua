-- What put-user.lua and put-location.lua have in common. This file is prepended to both.
--
-- Both take as their last arguments, from ARGV[firstOfFields] on, what to write to the hash:
--   S, the number of fields to set
--   A, the number of fields to add, which are set only if the hash doesn't have them
--   the S fields, then the A fields, each as a name and a value
--   the names of the fields to remove
-- If S and A are 0 and no names follow, only the indexes are repaired.

-- Why a key can't be used as one of a type, as an error to return; nil if it can. The command reads it.
local function damageOf(key, kind, command, ...)
  local reply = redis.pcall(command, key, ...)
  if type(reply) ~= 'table' or not reply.err then return nil end
  if not string.find(reply.err, 'WRONGTYPE', 1, true) then return reply end
  return redis.error_reply('DAMAGED ' .. key .. ' is not a ' .. kind)
end

-- Why this user of Redis may not run a command, as an error to return; nil if it may. Redis before 7.0 can't tell, so the command is run: it must change nothing.
local function refusalOf(command, key, ...)
  if redis.acl_check_cmd then
    if redis.acl_check_cmd(command, key, ...) then return nil end
    return redis.error_reply('NOPERM this user may not run ' .. command .. ' with ' .. key)
  end
  local reply = redis.pcall(command, key, ...)
  return type(reply) == 'table' and reply.err and reply or nil
end

-- The refusal of what writeFields runs after its first command.
local function refusalOfFields(hash, firstOfFields)
  local set, absent = tonumber(ARGV[firstOfFields]), tonumber(ARGV[firstOfFields + 1])
  return #ARGV > firstOfFields + 1 + 2 * (set + absent) and refusalOf('HDEL', hash, '') or nil
end

local function writeFields(hash, firstOfFields)
  local set, absent = 2 * tonumber(ARGV[firstOfFields]), 2 * tonumber(ARGV[firstOfFields + 1])
  local first = firstOfFields + 2
  local fields = { unpack(ARGV, first, first + set - 1) }
  for a = first + set, first + set + absent - 1, 2 do
    if not redis.call('HGET', hash, ARGV[a]) then
      fields[#fields + 1] = ARGV[a]
      fields[#fields + 1] = ARGV[a + 1]
    end
  end
  if #fields > 0 then redis.call('HSET', hash, unpack(fields)) end
  if #ARGV >= first + set + absent then redis.call('HDEL', hash, unpack(ARGV, first + set + absent)) end
end
