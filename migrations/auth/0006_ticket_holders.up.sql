-- The names of the people that tickets are for. They are erased with the customer who gave them.
CREATE TABLE ticket_holders (
    ticket_id      text        COLLATE "C" PRIMARY KEY,
    reservation_id text        COLLATE "C" NOT NULL,
    user_id        text        NOT NULL, -- the customer
    name           text        NOT NULL CHECK (length(name) BETWEEN 1 AND 200),
    named_at       timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX ticket_holders_reservation ON ticket_holders (reservation_id);
CREATE INDEX ticket_holders_user ON ticket_holders (user_id);
