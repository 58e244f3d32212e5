DROP FUNCTION log_time();
