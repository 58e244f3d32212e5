DROP INDEX events_starts_by_status;
