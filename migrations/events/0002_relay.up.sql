-- How far the relay has published the log (docs/architecture.md, "From the log to the read tables").
CREATE TABLE relay_cursor (
    shard       smallint PRIMARY KEY,
    incarnation uuid     NOT NULL, -- of the log that position counts in
    position    bigint   NOT NULL  -- everything up to here is in its partition, unless that is being filled again
);

-- What the relay knows to be in each partition: it compares that with the partition's tail, to notice a broker that lost it.
CREATE TABLE relay_partitions (
    topic         text    NOT NULL,
    partition     integer NOT NULL,
    last_offset   bigint  NOT NULL, -- of the last record published, -1 for none
    last_position bigint  NOT NULL, -- its position in the log
    filled_to     bigint,           -- while the partition is being filled again: up to which position it is complete
    refills       bigint  NOT NULL, -- moves when a loss was found: projectors then read the partition from its start
    PRIMARY KEY (topic, partition)
);
