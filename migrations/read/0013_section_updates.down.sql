ALTER TABLE seats DROP CONSTRAINT seats_status_check;
ALTER TABLE seats ADD CONSTRAINT seats_status_check CHECK (status IN ('AVAILABLE', 'RESERVED', 'SOLD')) NOT VALID;
ALTER TABLE seats DROP COLUMN accessible, DROP COLUMN restricted_view;

ALTER TABLE sections DROP CONSTRAINT sections_check;
ALTER TABLE sections DROP COLUMN blocked;
ALTER TABLE sections ADD CONSTRAINT sections_check CHECK (available + reserved + sold = capacity) NOT VALID;
