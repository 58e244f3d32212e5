-- For lists of events by their names, without case.
CREATE INDEX CONCURRENTLY events_lower_id_idx ON events ((lower(name) COLLATE "C"), id);
