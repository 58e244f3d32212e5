-- For lists of events by their names, without case.
CREATE INDEX CONCURRENTLY events_names ON events ((lower(name) COLLATE "C"), id);
