-- Settles entries without applying them. They are dead letters of another group that were replayed for that group alone. This file comes after
-- settle.lua, which documents the keys and arguments.
--
-- Returns the outcome of settle, in which 'applied' is how many entries were passed over.

local _, outcome = settle({}, 'foreign')
return outcome
