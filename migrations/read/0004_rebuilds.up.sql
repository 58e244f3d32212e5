-- How far a rebuild has filled the tables of its schema "rebuild_<projection>", which a later run goes on from. position moves in the
-- transaction that writes the rows, compare-and-set, so that a rebuild that was taken for dead can't write.
CREATE TABLE projection_rebuilds (
    projection     text        PRIMARY KEY,
    incarnation    text        NOT NULL, -- of the log
    build          text        NOT NULL, -- of the program: what another one has filled may be different rows
    schema_version bigint      NOT NULL, -- of the live tables that the new ones were made like
    position       bigint      NOT NULL, -- of the log, everything up to it is in the new tables
    started_at     timestamptz NOT NULL DEFAULT now()
);
