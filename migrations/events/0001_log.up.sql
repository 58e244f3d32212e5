-- The log: append-only, dense, in commit order (docs/architecture.md, "The log").
CREATE TABLE domain_events (
    shard          smallint    NOT NULL,
    position       bigint      NOT NULL CHECK (position > 0),
    stream_id      text        NOT NULL,
    version        bigint      NOT NULL CHECK (version > 0),
    type           text        NOT NULL,
    schema_version smallint    NOT NULL,
    data           json        NOT NULL,
    metadata       json        NOT NULL,
    recorded_at    timestamptz NOT NULL,
    PRIMARY KEY (shard, position),
    UNIQUE (stream_id, version)
);

-- Changed by hand whenever commits may have been lost (a restore, a promotion): caches, cursors and checkpoints then start over.
CREATE TABLE log_incarnation (
    shard       smallint PRIMARY KEY,
    incarnation uuid     NOT NULL DEFAULT gen_random_uuid()
);
INSERT INTO log_incarnation (shard) VALUES (0);

-- Written in the transaction of the append: a retry after a crash finds what became of the first try.
CREATE TABLE idempotency_keys (
    actor        text        NOT NULL,
    key          text        NOT NULL, -- "<mutation>:<client's key>"
    request_hash bytea       NOT NULL,
    outcome      json        NOT NULL, -- {"ref": "<id>"} or {"rejection": {code, message, field}}
    expires_at   timestamptz NOT NULL,
    PRIMARY KEY (actor, key)
);
CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

-- The state of a long stream at some version, so that a cold start need not read all of it. It can be thrown away at any time.
CREATE TABLE snapshots (
    stream_id      text     PRIMARY KEY,
    version        bigint   NOT NULL,
    schema_version smallint NOT NULL,
    incarnation    uuid     NOT NULL,
    data           bytea    NOT NULL
);
