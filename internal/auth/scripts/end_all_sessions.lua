-- Ends all sessions of a user and tells whoever watches them.
-- KEYS: the user's sessions. ARGV: prefix of session keys, channel of changes.
local ids = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, id in ipairs(ids) do
    redis.call('DEL', ARGV[1] .. id)
    redis.call('PUBLISH', ARGV[2], id)
end
redis.call('DEL', KEYS[1])
return #ids
