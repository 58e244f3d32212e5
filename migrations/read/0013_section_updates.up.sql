-- Seats can be taken off sale, and have marks.
ALTER TABLE sections ADD COLUMN blocked integer NOT NULL DEFAULT 0 CHECK (blocked >= 0);
ALTER TABLE sections DROP CONSTRAINT sections_check;
ALTER TABLE sections ADD CONSTRAINT sections_check CHECK (available + reserved + sold + blocked = capacity);

ALTER TABLE seats ADD COLUMN accessible boolean NOT NULL DEFAULT false, ADD COLUMN restricted_view boolean NOT NULL DEFAULT false;
ALTER TABLE seats DROP CONSTRAINT seats_status_check;
ALTER TABLE seats ADD CONSTRAINT seats_status_check CHECK (status IN ('AVAILABLE', 'RESERVED', 'SOLD', 'BLOCKED')) NOT VALID;
ALTER TABLE seats VALIDATE CONSTRAINT seats_status_check; -- a scan that keeps no writer waiting
