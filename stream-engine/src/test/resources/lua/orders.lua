-- Adds orders up for each customer. It stands after settle.lua.
--
-- own keys           the customers of the batch, each once
-- own arguments      for each entry the number of its customer and its cents

local function ownArg(n, i) return ARGV[ownArgs + 2 * (n - 1) + i] end

for n = 1, entryCount do
  if not alone[n] then
    local key = KEYS[ownKeys + ownArg(n, 1)]
    local values, reason = readHash(key, 'cents')
    if values and values[1] and not string.match(values[1], '^%d+$') then reason = key .. ': cents is not a number' end
    alone[n] = reason
  end
end

local passedOver, outcome = settle({ { 'HINCRBY', probe, 'probe', 1, keys = { KEYS[ownKeys + 1] } } })

for n = 1, entryCount do
  if not passedOver[n] then redis.call('HINCRBY', KEYS[ownKeys + ownArg(n, 1)], 'cents', ownArg(n, 2)) end
end
return outcome
