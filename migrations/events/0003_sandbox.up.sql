-- The state of the sandbox gateway (package command/gateway/sandbox), in place of a gateway's own servers. api and saga share it; nothing
-- else reads it.
CREATE TABLE sandbox_payments (
    payment_id     text   PRIMARY KEY, -- ours: the idempotency key of creating it
    transaction_id text   UNIQUE,      -- null: cancelled before it was created, and therefore never created
    status         text   NOT NULL CHECK (status IN ('created', 'requires_action', 'succeeded', 'failed', 'cancelled')),
    minor          bigint CHECK (minor > 0),
    currency       text,
    token          text,               -- the test token that it was confirmed with
    client_secret  text,               -- of the next action
    redirect_url   text,               -- of the next action
    reason         text                -- why it failed
);

CREATE TABLE sandbox_refunds (
    refund_id      text   PRIMARY KEY, -- ours: the idempotency key
    transaction_id text   NOT NULL REFERENCES sandbox_payments (transaction_id),
    minor          bigint NOT NULL CHECK (minor > 0),
    currency       text   NOT NULL,
    status         text   NOT NULL CHECK (status IN ('refused', 'pending', 'succeeded', 'failed')), -- refused: try again
    reason         text   -- why it failed
);
CREATE INDEX sandbox_refunds_transaction_id ON sandbox_refunds (transaction_id);
