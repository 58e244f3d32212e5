-- What the domain events of each event add up to, as far as the saga has followed them: a change must not read the whole stream. Derived from
-- the log. Builds whose states differ keep a row each.
CREATE TABLE saga_events (
    event_id  text        NOT NULL,
    format    text        NOT NULL, -- of state
    version   bigint      NOT NULL, -- of the stream
    state     json        NOT NULL,
    folded_at timestamptz NOT NULL,
    PRIMARY KEY (event_id, format)
);

-- Streams with a domain event that the saga's build does not know. They are not followed until a newer build can; others are.
CREATE TABLE saga_aside (
    stream_id text        PRIMARY KEY,
    version   bigint      NOT NULL, -- the first that was not followed
    error     text        NOT NULL,
    tried_at  timestamptz NOT NULL
);
