-- How far the saga has followed the log (package command/saga). Moved in the transaction that writes the deadlines; who follows locks the row.
CREATE TABLE saga_cursor (
    shard       smallint PRIMARY KEY,
    incarnation uuid,            -- of the log that position counts in; null: nothing was followed yet
    position    bigint NOT NULL,
    complete_at bigint NOT NULL  -- deadlines are worked off only from this position on: before, their ends may not have been read
);
INSERT INTO saga_cursor (shard, position, complete_at) VALUES (0, 0, 0);

-- What is due at some time, unless the log says before that it is done. Derived from the log.
CREATE TABLE deadlines (
    kind           text        NOT NULL, -- hold, payment, refund, sales_open, sales_close, event_cancelled
    id             text        NOT NULL, -- of the reservation, payment, refund or event
    payment_id     text,                 -- of a refund
    due_at         timestamptz NOT NULL,
    next_at        timestamptz NOT NULL, -- when it is (next) worked on: due_at at first, later after a failure
    claimed_until  timestamptz,          -- while a replica works on it; by the database's clock
    revision       bigint      NOT NULL DEFAULT 0, -- moves when it is claimed or set anew, so that a result that comes late changes nothing
    attempts       integer     NOT NULL DEFAULT 0, -- failed ones since it was set
    last_error     text,
    failed_at      timestamptz,          -- when the attempts were used up: an operator should look; it is still retried, rarely
    correlation_id text        NOT NULL,
    causation_id   text        NOT NULL, -- the domain event that set it
    traceparent    text        NOT NULL,
    PRIMARY KEY (kind, id)
) WITH (fillfactor = 80);
CREATE INDEX deadlines_next_at ON deadlines (kind, next_at);
CREATE INDEX deadlines_failing ON deadlines (kind) WHERE attempts > 0;
