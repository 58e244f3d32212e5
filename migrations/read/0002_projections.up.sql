-- What each projection has read, in the database of the read tables, so that rows and checkpoints commit together.

-- Every transaction of a projector holds its projection's row in share mode and checks the generation, so that a switch to
-- rebuilt tables, or to another incarnation of the log, lets no late projector write into the new ones.
CREATE TABLE projections (
    name        text   PRIMARY KEY,
    generation  bigint NOT NULL,
    incarnation text   NOT NULL -- of the log that the tables were filled from
);

-- position and incarnation are those of the record before next_offset: when that record is another one, the topic is another
-- one too, and the partition is read again from its start.
CREATE TABLE projection_checkpoints (
    projection  text    NOT NULL,
    topic       text    NOT NULL,
    partition   integer NOT NULL,
    next_offset bigint  NOT NULL,
    position    bigint  NOT NULL,
    incarnation text    NOT NULL,
    generation  bigint  NOT NULL,
    PRIMARY KEY (projection, topic, partition)
);

-- One row a stream: the domain event that can't be applied, and how far the stream has gone since. Later ones of the stream wait
-- behind it, in the log; a replay reads them from there. A record that is no domain event at all blocks nothing: its stream_id is
-- "<topic>/<partition>/<offset>".
CREATE TABLE projection_dead_letters (
    projection      text        NOT NULL,
    stream_id       text COLLATE "C" NOT NULL,
    version         bigint      NOT NULL,
    waiting_version bigint      NOT NULL, -- the newest version that was held back, this one or a later one
    position        bigint      NOT NULL,
    type            text        NOT NULL,
    error           text        NOT NULL,
    failed_at       timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, stream_id)
);
