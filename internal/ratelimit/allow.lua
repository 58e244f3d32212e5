-- Counts ARGV[3] units against at most ARGV[1] in any ARGV[2] microseconds. KEYS[1] lists the microseconds at which units were
-- counted, oldest first, so that the window slides exactly; it has no more entries than the limit. Time is Redis' clock, one for all
-- processes. Returns {1, 0}, or {0, microseconds until the same is allowed}, and then counts nothing.
local allowed, window, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
if cost > allowed then
    return {0, window}
end
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]

local oldest = redis.call('LINDEX', KEYS[1], 0)
while oldest and tonumber(oldest) <= now - window do
    redis.call('LPOP', KEYS[1])
    oldest = redis.call('LINDEX', KEYS[1], 0)
end

local excess = redis.call('LLEN', KEYS[1]) + cost - allowed
if excess > 0 then
    local frees = tonumber(redis.call('LINDEX', KEYS[1], excess - 1))
    return {0, frees + window - now}
end
for _ = 1, cost do
    redis.call('RPUSH', KEYS[1], string.format('%.0f', now))
end
redis.call('PEXPIRE', KEYS[1], math.ceil(window / 1000))
return {1, 0}
