-- Answers {user id, token hash, account} of a living session and prolongs it; {} when there is none. The account is missing when it
-- is not cached. Use is noted once in ARGV[3], so that most requests write nothing.
-- KEYS: the session. ARGV: now, lifetime, how often to note use (all milliseconds), prefix of a user's sessions, prefix of accounts.
local now, ttl = tonumber(ARGV[1]), tonumber(ARGV[2])
local session = redis.call('HMGET', KEYS[1], 'user', 'hash', 'seen', 'expires')
local user, hash, seen, expires = session[1], session[2], session[3], session[4]
if not user or tonumber(expires) <= now then
    return {}
end
if now - tonumber(seen) >= tonumber(ARGV[3]) then
    redis.call('HSET', KEYS[1], 'seen', now, 'expires', now + ttl)
    redis.call('PEXPIRE', KEYS[1], ttl)
    redis.call('PEXPIRE', ARGV[4] .. user, ttl)
end
return {user, hash, redis.call('GET', ARGV[5] .. user)}
