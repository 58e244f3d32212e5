-- Ends one session, and its successor where it was renewed, and tells whoever watches them. Answers 0 when it is not there, or not that
-- of the user ARGV[2] (any when empty).
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
