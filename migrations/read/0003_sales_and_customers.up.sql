-- Sales and customers. Amounts are minor units, days are UTC. Indexes are unnamed, as in 0001. Sums have no CHECKs:
-- a row that is inserted to be added to another one is a difference, and may be below 0.

-- One row a reservation: its tickets and amounts by section, and how far its stream was read. A refund is recorded in the payment's stream
-- and says nothing about sections, so that both streams are needed to count it, and they come in any order. revision moves with
-- everything that changes the row or is counted by it, whichever stream it comes from: of two writers that read the same row, one is refused.
CREATE TABLE sale_reservations (
    id         text COLLATE "C" PRIMARY KEY,
    revision   bigint NOT NULL CHECK (revision > 0),
    version    bigint NOT NULL CHECK (version >= 0), -- of the reservation's stream; 0: only a payment of it was read
    event_id   text COLLATE "C" NOT NULL,
    currency   text   NOT NULL,
    sections   jsonb  NOT NULL, -- [{section, tickets, gross, refunded}] in the order of the seats
    payment_id text COLLATE "C", -- the payment that completed it; NULL: none has, or there was nothing to pay
    sold_at    timestamptz,
    returned_at timestamptz  -- when all of it was given back, with the tickets
);
CREATE INDEX ON sale_reservations (event_id);

-- One row a payment: its refunds, for the reservation may be completed later than they are read.
CREATE TABLE sale_payments (
    id             text COLLATE "C" PRIMARY KEY,
    version        bigint NOT NULL CHECK (version > 0),
    reservation_id text COLLATE "C" NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    refunds        jsonb  NOT NULL -- [{amount, at}] in the order in which they were carried out
);
CREATE INDEX ON sale_payments (event_id);

-- What was sold on a day, and what was given back on it, whenever that had been sold. A refund is spread over the sections of its
-- reservation in proportion to what of them is not given back yet, so that parts add up and a full refund takes back what each cost.
CREATE TABLE sales (
    event_id text COLLATE "C" NOT NULL,
    section  text COLLATE "C" NOT NULL,
    day      date   NOT NULL,
    currency text   NOT NULL,
    sold     bigint NOT NULL, -- tickets of reservations that were completed
    returned bigint NOT NULL, -- tickets of reservations that were given back in full
    gross    bigint NOT NULL, -- what the sold ones cost
    refunded bigint NOT NULL,
    tickets  bigint NOT NULL GENERATED ALWAYS AS (sold - returned) STORED,
    net      bigint NOT NULL GENERATED ALWAYS AS (gross - refunded) STORED,
    PRIMARY KEY (event_id, section, day, currency)
);

-- The same over all days.
CREATE TABLE section_sales (
    event_id text COLLATE "C" NOT NULL,
    section  text COLLATE "C" NOT NULL,
    currency text   NOT NULL, -- all sections of an event have the same
    sold     bigint NOT NULL,
    returned bigint NOT NULL,
    gross    bigint NOT NULL,
    refunded bigint NOT NULL,
    tickets  bigint NOT NULL GENERATED ALWAYS AS (sold - returned) STORED,
    net      bigint NOT NULL GENERATED ALWAYS AS (gross - refunded) STORED,
    PRIMARY KEY (event_id, section, currency)
);
CREATE INDEX ON section_sales (tickets, event_id, section);

-- One row a stream of a reservation or a payment: whose it is, and how far it was read.
CREATE TABLE customer_streams (
    id             text COLLATE "C" PRIMARY KEY, -- "reservation-<id>" or "payment-<id>"
    version        bigint NOT NULL CHECK (version > 0),
    customer_id    text COLLATE "C" NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    reservation_id text COLLATE "C" NOT NULL,
    tickets        bigint NOT NULL, -- of a reservation
    amount         bigint NOT NULL, -- what the reservation costs, or the payment is to take
    currency       text   NOT NULL
);
CREATE INDEX ON customer_streams (customer_id);

-- Users who have made a reservation. Names and addresses are only in the auth database.
CREATE TABLE customers (
    id           text COLLATE "C" PRIMARY KEY,
    reservations bigint      NOT NULL, -- that they made
    completed    bigint      NOT NULL, -- of these, also those that were given back later
    returned     bigint      NOT NULL, -- of these, those that were given back in full
    tickets      bigint      NOT NULL, -- that they bought and did not give back
    first_seen   timestamptz NOT NULL,
    last_seen    timestamptz NOT NULL -- when they did something themselves
);
CREATE INDEX ON customers (first_seen, id);
CREATE INDEX ON customers (last_seen, id);

-- What their payments took and gave back, also of a payment that came too late for its reservation.
CREATE TABLE customer_spend (
    customer_id text COLLATE "C" NOT NULL,
    currency    text   NOT NULL,
    spent       bigint NOT NULL,
    refunded    bigint NOT NULL,
    net         bigint NOT NULL GENERATED ALWAYS AS (spent - refunded) STORED,
    PRIMARY KEY (customer_id, currency)
);
CREATE INDEX ON customer_spend (currency, net, customer_id);

-- What became of what they did, in the order of the log.
CREATE TABLE customer_history (
    customer_id    text COLLATE "C" NOT NULL,
    position       bigint      NOT NULL, -- of the domain event
    at             timestamptz NOT NULL,
    kind           text        NOT NULL CHECK (kind IN
        ('RESERVATION_INITIATED', 'RESERVATION_COMPLETED', 'RESERVATION_CANCELLED', 'RESERVATION_EXPIRED', 'RESERVATION_COMPENSATED',
         'RESERVATION_REFUNDED', 'PAYMENT_COMPLETED', 'PAYMENT_FAILED', 'PAYMENT_REFUNDED')),
    event_id       text COLLATE "C" NOT NULL,
    reservation_id text COLLATE "C" NOT NULL,
    payment_id     text COLLATE "C", -- of the payment's kinds
    tickets        bigint      NOT NULL, -- of the reservation's kinds
    amount         bigint      NOT NULL, -- what the reservation costs, what was or was to be taken, or what was given back
    currency       text        NOT NULL,
    PRIMARY KEY (customer_id, position)
);
