-- What was never published is never public: a draft that was cancelled or deleted stays its organizer's, or is gone.
-- Rows of events that were cancelled before this migration are right after "projector rebuild events"; until then those
-- that were changed before they were cancelled count as published.
ALTER TABLE events ADD COLUMN withdrawn boolean NOT NULL DEFAULT false; -- cancelled before it was published
ALTER TABLE events ADD COLUMN deleted boolean NOT NULL DEFAULT false;
UPDATE events SET withdrawn = true WHERE status = 'CANCELLED' AND version = 2;
