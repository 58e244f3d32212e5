-- A ticket is found by its id: ticket(id: "tkt_…"). Reservations that were completed before this migration have their tickets' ids after
-- "projector rebuild reservations". The index is unnamed, as 0001 says.
ALTER TABLE reservations ADD COLUMN tickets jsonb NOT NULL DEFAULT '[]'; -- ids, in the order of the seats; empty until it is completed
CREATE INDEX ON reservations USING gin (tickets jsonb_path_ops);
