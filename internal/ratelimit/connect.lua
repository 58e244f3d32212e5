-- Counts one more open connection of a client, at most ARGV[2]. KEYS[1] holds the ids of connections by the end of their leases, so that the
-- connections of a dead process stop counting. Time is Redis' clock, one for all processes. Returns 1, or 0 if there are too many.
-- ARGV: the id, the most, and the length of the lease (milliseconds).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
