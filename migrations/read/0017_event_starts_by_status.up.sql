-- For lists of events on sale by their begin: all of them are later than most others, which PostgreSQL does not know.
CREATE INDEX CONCURRENTLY events_status_starts_at_id_idx ON events (status, starts_at, id);
