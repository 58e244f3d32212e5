-- The log's time: what holds, sales windows and idempotency keys are compared with. It is this server's clock, which all processes share,
-- whatever their own say. Tests replace the function to move time.
CREATE FUNCTION log_time() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE AS 'SELECT clock_timestamp()';
