-- Ends a session, and its successor if it was renewed, moves the user's other sessions to the epoch ARGV[6], and announces it. Returns 0 if
-- it does not exist or is not of the user ARGV[2].
-- KEYS: the session. ARGV: session id, user id, prefixes of session keys and of users' sessions, channel of changes, epoch.
local user, successor = unpack(redis.call('HMGET', KEYS[1], 'user', 'next'))
if not user or ARGV[2] ~= user then
    return 0
end
for _, id in ipairs({ARGV[1], successor or nil}) do
    redis.call('DEL', ARGV[3] .. id)
    redis.call('ZREM', ARGV[4] .. user, id)
    redis.call('PUBLISH', ARGV[5], id)
end
for _, id in ipairs(redis.call('ZRANGE', ARGV[4] .. user, 0, -1)) do
    if redis.call('EXISTS', ARGV[3] .. id) == 1 then
        local before = tonumber(redis.call('HGET', ARGV[3] .. id, 'epoch') or 0)
        redis.call('HSET', ARGV[3] .. id, 'epoch', string.format('%.0f', math.max(before, tonumber(ARGV[6]))))
    end
end
return 1
