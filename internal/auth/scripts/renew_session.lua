-- Replaces a session by a new one with a token of its own. The old one stays valid for ARGV[9], for requests under way, as long as the
-- new one is. Returns 1, or 0 if there is nothing to renew. A retry after a broken connection changes nothing.
-- KEYS: the old session, the new one. ARGV: their ids, the new token's hash, now, lifetime while used, unused, and in all since the
-- sign-in, roles, how long the old one stays valid (times in milliseconds), prefix of a user's sessions, channel of changes.
local old, new = ARGV[1], ARGV[2]
local now, ttl, idle, max, grace = tonumber(ARGV[4]), tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[9])
local user, created, ends, agent, successor, epoch = unpack(redis.call('HMGET', KEYS[1], 'user', 'created', 'idle', 'agent', 'next', 'epoch'))
if successor == new then
    return 1
end
if not user or successor or tonumber(ends) <= now then
    return 0
end
local limit = tonumber(created) + max
local expires = math.min(now + ttl, limit)
local newEnds = math.min(now + idle, expires)
redis.call('HSET', KEYS[2], 'user', user, 'hash', ARGV[3], 'created', created, 'seen', now, 'expires', expires, 'idle', newEnds,
    'limit', limit, 'roles', ARGV[8], 'agent', agent, 'epoch', epoch or 0)
redis.call('PEXPIRE', KEYS[2], math.max(newEnds - now, 1))
local sessions = ARGV[10] .. user
local score = redis.call('ZSCORE', sessions, old) or now
redis.call('ZREM', sessions, old)
redis.call('ZADD', sessions, score, new)
redis.call('PEXPIRE', sessions, ttl)

local last = math.min(now + grace, tonumber(ends))
redis.call('HSET', KEYS[1], 'next', new, 'limit', last, 'expires', last, 'idle', last)
redis.call('HDEL', KEYS[1], 'renew')
redis.call('PEXPIRE', KEYS[1], math.max(last - now, 1))
redis.call('PUBLISH', ARGV[11], old)
return 1
