-- Indexes for the lists of the API that have none yet. Unnamed, as in 0001.

CREATE INDEX ON reservations (created_at, id);
CREATE INDEX ON payments (created_at, id);
CREATE INDEX ON payments (gateway, created_at, id);
