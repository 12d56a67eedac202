-- Adds orders up for each customer. It stands after settle.lua.
--
-- own keys           the customers of the batch, each once
-- own arguments      for each entry the number of its customer and its cents

local function ownArg(n, i) return ARGV[ownArgs + 2 * (n - 1) + i] end

for n = 1, entryCount do
  local key = not alone[n] and KEYS[ownKeys + ownArg(n, 1)]
  local cents = key and redis.pcall('HGET', key, 'cents')
  if type(cents) == 'table' then
    alone[n] = key .. ' is not a hash'
  elseif cents and not string.match(cents, '^%d+$') then
    alone[n] = key .. ': cents is not a number'
  end
end

local passedOver, outcome = settle({ { 'HINCRBY', probe, 'probe', 1 } })

for n = 1, entryCount do
  if not passedOver[n] then redis.call('HINCRBY', KEYS[ownKeys + ownArg(n, 1)], 'cents', ownArg(n, 2)) end
end
return outcome
