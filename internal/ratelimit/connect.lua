-- Counts one more of what a client has open at a time, at most ARGV[2]. KEYS[1] holds the names of connections, by the milliseconds until which it
-- counts without being heard of again: what a dead process held stops counting by itself. Redis' clock decides, one for all processes.
-- Answers 1, or 0 when there are too many. ARGV: the name, the most, and for how long it counts (milliseconds).
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then
    return 0
end
redis.call('ZADD', KEYS[1], now + tonumber(ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
return 1
