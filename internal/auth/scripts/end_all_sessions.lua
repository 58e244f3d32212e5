-- Ends all sessions of a user except ARGV[1] (may be empty), and announces it.
-- KEYS: the user's sessions. ARGV: the session to keep, prefix of session keys, channel of changes.
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if id ~= ARGV[1] then
        redis.call('DEL', ARGV[2] .. id)
        redis.call('ZREM', KEYS[1], id)
        redis.call('PUBLISH', ARGV[3], id)
        ended = ended + 1
    end
end
return ended
