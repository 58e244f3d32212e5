-- Extends a session and returns {user id, token hash, successor, when it must be renewed, epoch, account}, or {} if it has ended. The successor
-- is '' unless the session was renewed, the time '' unless a renewal is due, and the account is missing if it is not cached. Use is
-- recorded once in ARGV[4], so that most requests write nothing.
-- KEYS: the session. ARGV: now, lifetime while used and unused, how often to record use, how long to renew after the roles changed (all
-- milliseconds), prefixes of session keys, of users' sessions and of accounts.
local now, ttl, idle, often, grace = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local session = redis.call('HMGET', KEYS[1], 'user', 'hash', 'seen', 'idle', 'limit', 'roles', 'renew', 'next', 'epoch')
local user, hash, seen, ends, limit, roles, renew, successor, epoch = unpack(session)
if not user or tonumber(ends) <= now then
    return {}
end
if successor and redis.call('EXISTS', ARGV[6] .. successor) == 0 then
    return {} -- it ended with its successor
end
limit = tonumber(limit)
local account = redis.call('GET', ARGV[8] .. user)
local known = account and account ~= '!' and string.sub(account, 1, 1) ~= '-'
local changed = known and string.match(account, '^[^|@]*') ~= roles and not renew and not successor
if changed then
    renew = now + grace
    redis.call('HSET', KEYS[1], 'renew', renew)
end
if renew then
    limit = math.min(limit, tonumber(renew))
end
if changed or now - tonumber(seen) >= often then
    local expires = math.min(now + ttl, limit)
    ends = math.min(now + idle, expires)
    redis.call('HSET', KEYS[1], 'seen', now, 'expires', expires, 'idle', ends)
    redis.call('PEXPIRE', KEYS[1], math.max(ends - now, 1))
    redis.call('PEXPIRE', ARGV[7] .. user, ttl)
end
return {user, hash, successor or '', renew and string.format('%.0f', renew) or '', epoch or '0', account}
