-- Streams whose next record makes very many rows. Those are written in parts, in transactions of their own, so that the streams of
-- others do not wait for them. Records of such a stream that come meanwhile are read from the log afterwards.
CREATE TABLE projection_backlog (
    projection   text        NOT NULL,
    stream_id    text COLLATE "C" NOT NULL,
    version      bigint      NOT NULL DEFAULT 0, -- of the record whose rows are being written; 0: none yet
    rows_written integer     NOT NULL DEFAULT 0, -- of that record
    since        timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (projection, stream_id)
);

-- Whether the broker had deleted records before the projection read them. Streams that nothing happens to lack them until a rebuild,
-- which projectors begin by themselves, has filled the tables from the log.
ALTER TABLE projections ADD COLUMN incomplete boolean NOT NULL DEFAULT false;
