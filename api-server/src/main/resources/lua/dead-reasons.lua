-- Counts dead letters by their reason, the newest first, as many as one call may look at. Writes nothing.
--
-- KEYS     the stream of dead letters
-- ARGV     the id below which to begin, or + for the newest; the most dead letters to look at
--
-- Returns { the last id that was looked at, or '' if there are no more, dead letters looked at, { reason, count, newest id }, ... }.

local deadKey, from, most = KEYS[1], ARGV[1], tonumber(ARGV[2])
local AT_ONCE = 50
local MOST_BYTES = 1000000 -- of fields, which Redis copies

local counts, newest, reasons = {}, {}, {}
local looked, bytes, last = 0, 0, ''
if from ~= '+' then from = '(' .. from end
while looked < most and bytes < MOST_BYTES do
  local letters = redis.call('XREVRANGE', deadKey, from, '-', 'COUNT', math.min(AT_ONCE, most - looked))
  for _, letter in ipairs(letters) do
    local reason = ''
    for i = 1, math.min(#letter[2], 10), 2 do
      if letter[2][i] == 'reason' then reason = string.sub(letter[2][i + 1], 1, 1000) end
    end
    for i = 1, #letter[2] do bytes = bytes + #letter[2][i] end
    if not counts[reason] then
      counts[reason] = 0
      newest[reason] = letter[1]
      reasons[#reasons + 1] = reason
    end
    counts[reason] = counts[reason] + 1
    last = letter[1]
  end
  looked = looked + #letters
  if #letters < AT_ONCE and looked < most then
    last = ''
    break
  end
  from = '(' .. last
end

local reply = { last, looked }
for _, reason in ipairs(reasons) do reply[#reply + 1] = { reason, counts[reason], newest[reason] } end
return reply
