-- Makes a session, and ends the user's oldest ones as long as there are more than ARGV[8]. A retry after a broken connection changes
-- nothing.
-- KEYS: the session, the user's sessions. ARGV: session id, user id, token hash, now, lifetime while used, unused, and in all (all
-- milliseconds), most sessions, roles, user agent, prefix of session keys, channel of changes, the user's epoch.
local session, sessions = KEYS[1], KEYS[2]
local id, user, hash, now, ttl, idle, max, most = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]),
    tonumber(ARGV[7]), tonumber(ARGV[8])
local roles, agent, prefix, channel = ARGV[9], ARGV[10], ARGV[11], ARGV[12]
if redis.call('EXISTS', session) == 1 then
    return 0
end
for _, other in ipairs(redis.call('ZRANGE', sessions, 0, -1)) do
    local ends = redis.call('HGET', prefix .. other, 'idle')
    if not ends or tonumber(ends) <= now then
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
local expires = now + math.min(ttl, max)
local ends = math.min(now + idle, expires)
redis.call('HSET', session, 'user', user, 'hash', hash, 'created', now, 'seen', now, 'expires', expires, 'idle', ends, 'limit', now + max,
    'roles', roles, 'agent', agent, 'epoch', ARGV[13])
redis.call('PEXPIRE', session, ends - now)
redis.call('ZADD', sessions, score, id)
redis.call('PEXPIRE', sessions, ttl)
return 1
