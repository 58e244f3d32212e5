-- Replaces the fence ARGV[1] by the account after a change, and announces it. Any other entry comes from a later change, and stays.
-- KEYS: the account. ARGV: the fence, the account, its lifetime (milliseconds), user id, channel of changes.
local cached = redis.call('GET', KEYS[1])
if not cached or cached == ARGV[1] then
    redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
redis.call('PUBLISH', ARGV[5], ARGV[4])
return 1
