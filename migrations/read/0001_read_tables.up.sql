-- The read tables (docs/architecture.md, "From the log to the read tables"). All of them can be lost and come back from the log.
-- A row carries the version of its stream and takes only the next one. Statuses are the values of the API's enums.
-- Indexes are unnamed on purpose: a rebuild makes the tables again with LIKE … INCLUDING ALL, which gives the same default names.

CREATE TABLE events (
    id                          text COLLATE "C" PRIMARY KEY,
    version                     bigint      NOT NULL CHECK (version > 0),
    organizer_id                text COLLATE "C" NOT NULL,
    name                        text        NOT NULL,
    description                 text        NOT NULL,
    venue                       text        NOT NULL,
    starts_at                   timestamptz NOT NULL,
    sales_open_at               timestamptz,
    sales_close_at              timestamptz,
    max_tickets_per_reservation integer     NOT NULL,
    max_tickets_per_customer    integer,
    payment_attempts            integer     NOT NULL,
    status                      text        NOT NULL CHECK (status IN
        ('DRAFT', 'PUBLISHED', 'SALES_OPEN', 'SALES_CLOSED', 'CANCELLED', 'COMPLETED')),
    created_at                  timestamptz NOT NULL,
    search                      tsvector    NOT NULL -- the words of name, venue and description (internal/words)
);
CREATE INDEX ON events (created_at, id);
CREATE INDEX ON events (status, created_at, id);
CREATE INDEX ON events (organizer_id, created_at, id);
CREATE INDEX ON events (starts_at);
CREATE INDEX ON events USING gin (search);

-- One row an inventory stream: its version decides what sections and seats take.
CREATE TABLE inventories (
    event_id text COLLATE "C" PRIMARY KEY,
    version  bigint NOT NULL CHECK (version >= 0)
);

CREATE TABLE sections (
    event_id  text COLLATE "C" NOT NULL,
    name      text COLLATE "C" NOT NULL,
    ordinal   integer NOT NULL, -- in the order in which they were added
    price     bigint  NOT NULL, -- minor units
    currency  text    NOT NULL,
    seated    boolean NOT NULL,
    capacity  integer NOT NULL,
    available integer NOT NULL CHECK (available >= 0),
    reserved  integer NOT NULL CHECK (reserved >= 0),
    sold      integer NOT NULL CHECK (sold >= 0),
    PRIMARY KEY (event_id, name),
    CHECK (available + reserved + sold = capacity)
);

CREATE TABLE seats (
    event_id text COLLATE "C" NOT NULL,
    section  text COLLATE "C" NOT NULL,
    label    text COLLATE "C" NOT NULL,
    ordinal  integer NOT NULL, -- row by row, by number
    status   text    NOT NULL CHECK (status IN ('AVAILABLE', 'RESERVED', 'SOLD')),
    PRIMARY KEY (event_id, section, label)
);
CREATE UNIQUE INDEX ON seats (event_id, section, ordinal);

CREATE TABLE reservations (
    id             text COLLATE "C" PRIMARY KEY,
    version        bigint      NOT NULL CHECK (version > 0),
    event_id       text COLLATE "C" NOT NULL,
    customer_id    text COLLATE "C" NOT NULL,
    status         text        NOT NULL CHECK (status IN
        ('SEATS_RESERVED', 'PAYMENT_PENDING', 'COMPLETED', 'EXPIRED', 'CANCELLED', 'COMPENSATED', 'REFUNDED')),
    seats          jsonb       NOT NULL, -- [{section, label, price: {minor, currency}}]
    total          bigint      NOT NULL, -- minor units
    currency       text        NOT NULL,
    created_at     timestamptz NOT NULL,
    expires_at     timestamptz NOT NULL,
    completed_at   timestamptz,
    expired_at     timestamptz,
    cancelled_at   timestamptz,
    compensated_at timestamptz,
    refunded_at    timestamptz,
    metadata       jsonb       NOT NULL
);
CREATE INDEX ON reservations (customer_id, created_at, id);
CREATE INDEX ON reservations (event_id, created_at, id);
CREATE INDEX ON reservations (status, created_at, id);

CREATE TABLE payments (
    id             text COLLATE "C" PRIMARY KEY,
    version        bigint      NOT NULL CHECK (version > 0),
    reservation_id text COLLATE "C" NOT NULL,
    customer_id    text COLLATE "C" NOT NULL,
    event_id       text COLLATE "C" NOT NULL,
    amount         bigint      NOT NULL, -- minor units, as refunded is
    refunded       bigint      NOT NULL CHECK (refunded BETWEEN 0 AND amount),
    currency       text        NOT NULL,
    refunds        jsonb       NOT NULL, -- [{id, amount: {minor, currency}, status, reason, createdAt}]
    status         text        NOT NULL CHECK (status IN
        ('INITIATED', 'REQUIRES_ACTION', 'PROCESSING', 'COMPLETED', 'FAILED', 'PARTIALLY_REFUNDED', 'REFUNDED')),
    gateway        text        NOT NULL,
    transaction_id text,
    failure_code   text,
    failure_reason text,
    created_at     timestamptz NOT NULL,
    completed_at   timestamptz,
    failed_at      timestamptz,
    metadata       jsonb       NOT NULL
);
CREATE INDEX ON payments (customer_id, created_at, id);
CREATE INDEX ON payments (event_id, created_at, id);
CREATE INDEX ON payments (reservation_id, created_at, id);
CREATE INDEX ON payments (status, created_at, id);
