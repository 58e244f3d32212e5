-- Events from before they had a time zone are in UTC.
ALTER TABLE events ADD COLUMN time_zone text NOT NULL DEFAULT 'UTC';
