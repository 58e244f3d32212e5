-- The webhooks of payment gateways (package command/webhook): each event once, and only which payment it is about.
CREATE TABLE webhooks (
    gateway        text        NOT NULL,
    event_id       text        NOT NULL, -- the gateway's own
    type           text        NOT NULL,
    transaction_id text        NOT NULL, -- the gateway's id of the payment
    payment_id     text        NOT NULL, -- ours; empty: the gateway has to be asked
    reversal       boolean     NOT NULL, -- it is about a refund or a dispute
    traceparent    text        NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
    next_at        timestamptz NOT NULL DEFAULT clock_timestamp(), -- when it is (next) handled; while it is, when another replica may try
    attempts       integer     NOT NULL DEFAULT 0,
    last_error     text,
    handled_at     timestamptz,
    result         text, -- handled, or unknown: it is about no payment of ours
    PRIMARY KEY (gateway, event_id)
);
CREATE INDEX webhooks_due ON webhooks (next_at) WHERE handled_at IS NULL;
CREATE INDEX webhooks_received ON webhooks (received_at);
