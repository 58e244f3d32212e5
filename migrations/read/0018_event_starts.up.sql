-- For lists of events by their begin.
CREATE INDEX CONCURRENTLY events_starts_at_id_idx ON events (starts_at, id);
