ALTER TABLE sale_reservations DROP COLUMN time_zone;
