-- Which relay publishes. Its lease ends by the database's time unless it is renewed, so that a frozen holder is replaced within seconds; a row
-- outlives connections, which a pooler between relay and database may exchange.
CREATE TABLE relay_lease (
    shard      smallint    PRIMARY KEY,
    holder     text        NOT NULL,
    expires_at timestamptz NOT NULL
);
