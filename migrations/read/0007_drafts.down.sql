ALTER TABLE events DROP COLUMN deleted;
ALTER TABLE events DROP COLUMN withdrawn;
