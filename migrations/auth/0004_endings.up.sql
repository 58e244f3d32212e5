-- What Redis, which keeps sessions and links, may forget: an older copy of it must not bring back what has ended.

-- A session of an earlier epoch than its user's has ended. The others are moved along whenever one ends.
ALTER TABLE users ADD COLUMN epoch bigint NOT NULL DEFAULT 0;

-- Links that were used, by the hash of their token, until they expire.
CREATE TABLE used_links (
    hash       text        PRIMARY KEY,
    expires_at timestamptz NOT NULL
);
CREATE INDEX used_links_expires_at ON used_links (expires_at);
