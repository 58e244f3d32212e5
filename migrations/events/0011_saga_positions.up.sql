-- How far the saga has followed, as a row that is inserted and one that is deleted instead of one that is updated: while an old snapshot is open,
-- the dead versions of a row pile up, and every look at it reads all of them. The newest row is found from the end of the index, which
-- PostgreSQL would not use for a table that looks small. saga_cursor.position is no longer used.
CREATE TABLE saga_positions (
    shard    smallint NOT NULL,
    position bigint   NOT NULL,
    PRIMARY KEY (shard, position)
);
INSERT INTO saga_positions (shard, position) SELECT shard, position FROM saga_cursor;

CREATE FUNCTION saga_position() RETURNS bigint LANGUAGE sql STABLE SET enable_seqscan = off AS
    'SELECT coalesce((SELECT position FROM saga_positions WHERE shard = 0 ORDER BY position DESC LIMIT 1), 0)';
