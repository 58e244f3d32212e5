-- For lists of events by their begin.
CREATE INDEX CONCURRENTLY events_starts ON events (starts_at, id);
