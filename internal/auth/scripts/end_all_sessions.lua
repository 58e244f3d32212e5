-- Ends all sessions of a user but ARGV[1] (none when empty) and tells whoever watches them.
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
