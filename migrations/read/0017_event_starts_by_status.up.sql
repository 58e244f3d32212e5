-- For lists of events on sale by their begin: all of them are later than most others, which PostgreSQL does not know.
CREATE INDEX CONCURRENTLY events_starts_by_status ON events (status, starts_at, id);
