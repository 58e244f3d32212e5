-- Sales are counted by the days of their event's time zone. Those from before it was kept were counted in UTC, and are.
ALTER TABLE sale_reservations ADD COLUMN time_zone text NOT NULL DEFAULT '';
