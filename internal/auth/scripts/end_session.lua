-- Ends one session and tells whoever watches it. Answers 0 when it is not there, or not that of the user ARGV[2] (any when empty).
-- KEYS: the session. ARGV: session id, user id, prefix of a user's sessions, channel of changes.
local user = redis.call('HGET', KEYS[1], 'user')
if not user or (ARGV[2] ~= '' and ARGV[2] ~= user) then
    return 0
end
redis.call('DEL', KEYS[1])
redis.call('ZREM', ARGV[3] .. user, ARGV[1])
redis.call('PUBLISH', ARGV[4], ARGV[1])
return 1
