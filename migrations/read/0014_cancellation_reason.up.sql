ALTER TABLE events ADD COLUMN cancellation_reason text; -- NULL: none was given
