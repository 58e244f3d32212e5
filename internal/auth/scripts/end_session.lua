-- Ends a session, and its successor if it was renewed, and announces it. Returns 0 if it does not exist or is not of the user ARGV[2]
-- (empty: any).
-- KEYS: the session. ARGV: session id, user id, prefixes of session keys and of users' sessions, channel of changes.
local user, successor = unpack(redis.call('HMGET', KEYS[1], 'user', 'next'))
if not user or (ARGV[2] ~= '' and ARGV[2] ~= user) then
    return 0
end
for _, id in ipairs({ARGV[1], successor or nil}) do
    redis.call('DEL', ARGV[3] .. id)
    redis.call('ZREM', ARGV[4] .. user, id)
    redis.call('PUBLISH', ARGV[5], id)
end
return 1
