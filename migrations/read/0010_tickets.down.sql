ALTER TABLE reservations DROP COLUMN tickets;
