-- Ends all sessions of a user except ARGV[1] (may be empty), which moves to the epoch ARGV[4], and announces it.
-- KEYS: the user's sessions. ARGV: the session to keep, prefix of session keys, channel of changes, epoch.
local ended = 0
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1)) do
    if id ~= ARGV[1] then
        redis.call('DEL', ARGV[2] .. id)
        redis.call('ZREM', KEYS[1], id)
        redis.call('PUBLISH', ARGV[3], id)
        ended = ended + 1
    elseif redis.call('EXISTS', ARGV[2] .. id) == 1 then
        local before = tonumber(redis.call('HGET', ARGV[2] .. id, 'epoch') or 0)
        redis.call('HSET', ARGV[2] .. id, 'epoch', string.format('%.0f', math.max(before, tonumber(ARGV[4]))))
    end
end
return ended
