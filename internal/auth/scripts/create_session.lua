-- Makes a session, ending the oldest ones of the user where there would be more than ARGV[6]. Trying again after a broken
-- connection changes nothing.
-- KEYS: the session, the user's sessions. ARGV: session id, user id, token hash, now, lifetime (both milliseconds), most sessions,
-- prefix of session keys, channel of changes.
local session, sessions = KEYS[1], KEYS[2]
local id, user, hash, now, ttl, most, prefix, channel =
    ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), ARGV[7], ARGV[8]
if redis.call('EXISTS', session) == 1 then
    return 0
end
for _, other in ipairs(redis.call('ZRANGE', sessions, 0, -1)) do
    local expires = redis.call('HGET', prefix .. other, 'expires')
    if not expires or tonumber(expires) <= now then
        redis.call('DEL', prefix .. other)
        redis.call('ZREM', sessions, other)
    end
end
while redis.call('ZCARD', sessions) >= most do
    local oldest = redis.call('ZPOPMIN', sessions)[1]
    redis.call('DEL', prefix .. oldest)
    redis.call('PUBLISH', channel, oldest)
end
-- Scores rise even when the clocks of two processes differ: the order in which Redis made sessions is their age.
local score, newest = now, redis.call('ZREVRANGE', sessions, 0, 0, 'WITHSCORES')
if newest[2] and tonumber(newest[2]) >= score then
    score = tonumber(newest[2]) + 1
end
redis.call('HSET', session, 'user', user, 'hash', hash, 'created', now, 'seen', now, 'expires', now + ttl)
redis.call('PEXPIRE', session, ttl)
redis.call('ZADD', sessions, score, id)
redis.call('PEXPIRE', sessions, ttl)
return 1
