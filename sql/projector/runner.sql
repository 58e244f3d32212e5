-- name: AddProjection :exec
INSERT INTO projections (name, generation, incarnation) VALUES (@name, 1, @incarnation) ON CONFLICT DO NOTHING;

-- name: Projection :one
SELECT generation, incarnation, incomplete FROM projections WHERE name = @name;

-- name: Enter :exec
-- Begins a transaction that writes the projection's tables. A switch of generations (LockOut) waits until all of these have ended, and
-- later ones wait for the switch. Advisory locks are granted in turn; share locks on the row in projections would not be, and
-- overlapping transactions could keep a switch waiting for ever.
-- Commits do not wait for the disk: what a crash loses, rows and checkpoints together, comes again from the broker.
-- Rows are always found by their keys: a plan that was made while a table was empty scans it, long after it has filled (measured: 2.4 s
-- for a batch after 30,000 rows, 0.1 s so).
-- A process that freezes in a transaction loses it, because others wait for its rows.
SELECT pg_advisory_xact_lock_shared(hashtext('ticketing projection'), hashtext(@name)),
       set_config('idle_in_transaction_session_timeout', '10s', true),
       set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: Generation :one
SELECT generation FROM projections WHERE name = @name;

-- name: LockOut :exec
-- Waits for all transactions that have called Enter, and keeps others from entering until this one ends.
SELECT pg_advisory_xact_lock(hashtext('ticketing projection'), hashtext(@name)),
       set_config('idle_in_transaction_session_timeout', '10s', true);

-- name: SwitchProjection :exec
UPDATE projections SET generation = generation + 1, incarnation = @incarnation, incomplete = false WHERE name = @name;

-- name: MarkIncomplete :exec
UPDATE projections SET incomplete = true WHERE name = @name AND generation = @generation;

-- name: AddCheckpoints :exec
-- A member that missed a switch may add a checkpoint of the old generation just after it. It begins at 0 and can join the new one.
INSERT INTO projection_checkpoints (projection, topic, partition, next_offset, position, incarnation, generation)
SELECT @projection, unnest(@topics::text[]), unnest(@partitions::int[]), 0, 0, '', @generation
ON CONFLICT (projection, topic, partition) DO UPDATE SET generation = excluded.generation
WHERE projection_checkpoints.generation < excluded.generation;

-- name: Checkpoints :many
SELECT * FROM projection_checkpoints WHERE projection = @projection;

-- name: MoveCheckpoints :execrows
-- Compare and set: a member that has lost the partition finds the checkpoint moved.
UPDATE projection_checkpoints c SET next_offset = n.next_offset, position = n.position, incarnation = n.incarnation
FROM (SELECT unnest(@topics::text[]) AS topic, unnest(@partitions::int[]) AS partition, unnest(@expected::bigint[]) AS expected,
             unnest(@next_offsets::bigint[]) AS next_offset, unnest(@positions::bigint[]) AS position,
             unnest(@incarnations::text[]) AS incarnation) n
WHERE c.projection = @projection AND c.topic = n.topic AND c.partition = n.partition AND c.next_offset = n.expected
  AND c.generation = @generation;

-- name: SwitchCheckpoints :exec
UPDATE projection_checkpoints SET generation = generation + 1 WHERE projection = @projection;

-- name: LockDeadLetters :many
-- A replay locks the row while it reads the log: records that come meanwhile wait for its end.
SELECT stream_id FROM projection_dead_letters
WHERE projection = @projection AND stream_id = ANY (@stream_ids::text[])
ORDER BY stream_id
FOR UPDATE;

-- name: AddDeadLetters :exec
INSERT INTO projection_dead_letters (projection, stream_id, version, waiting_version, position, type, error)
SELECT @projection, unnest(@stream_ids::text[]), unnest(@versions::bigint[]), unnest(@versions::bigint[]),
       unnest(@positions::bigint[]), unnest(@types::text[]), unnest(@errors::text[])
ON CONFLICT (projection, stream_id) DO UPDATE SET version = excluded.version, position = excluded.position,
    type = excluded.type, error = excluded.error,
    waiting_version = greatest(projection_dead_letters.waiting_version, excluded.waiting_version);

-- name: CountForeign :one
-- Records that are no domain events have no version. Their number is bounded.
SELECT count(*) FROM projection_dead_letters WHERE projection = @projection AND version = 0;

-- name: WaitBehindDeadLetters :exec
UPDATE projection_dead_letters d SET waiting_version = n.version
FROM (SELECT unnest(@stream_ids::text[]) AS stream_id, unnest(@versions::bigint[]) AS version) n
WHERE d.projection = @projection AND d.stream_id = n.stream_id AND d.waiting_version < n.version;

-- name: DeadLetters :many
SELECT * FROM projection_dead_letters WHERE projection = @projection ORDER BY failed_at, stream_id;

-- name: LockDeadLetter :one
SELECT * FROM projection_dead_letters WHERE projection = @projection AND stream_id = @stream_id FOR UPDATE;

-- name: DeleteDeadLetter :exec
DELETE FROM projection_dead_letters WHERE projection = @projection AND stream_id = @stream_id;

-- name: LockBacklogOf :many
-- Work on the backlog locks its row: records that come meanwhile wait for the end of a part.
SELECT stream_id FROM projection_backlog
WHERE projection = @projection AND stream_id = ANY (@stream_ids::text[])
ORDER BY stream_id
FOR UPDATE;

-- name: AddBacklog :exec
INSERT INTO projection_backlog (projection, stream_id) SELECT @projection, unnest(@stream_ids::text[]) ON CONFLICT DO NOTHING;

-- name: LockBacklog :one
-- The stream with the fewest rows written comes first, so that a small one does not wait for all large ones before it.
SELECT * FROM projection_backlog WHERE projection = @projection
ORDER BY rows_written, since, stream_id LIMIT 1
FOR UPDATE;

-- name: MoveBacklog :exec
UPDATE projection_backlog SET version = @version, rows_written = @rows_written
WHERE projection = @projection AND stream_id = @stream_id;

-- name: DeleteBacklog :exec
DELETE FROM projection_backlog WHERE projection = @projection AND stream_id = @stream_id;

-- name: Backlog :many
SELECT stream_id FROM projection_backlog WHERE projection = @projection ORDER BY stream_id;

-- name: Rebuild :one
SELECT incarnation, build, schema_version, position FROM projection_rebuilds WHERE projection = @projection;

-- name: BeginRebuild :exec
INSERT INTO projection_rebuilds (projection, incarnation, build, schema_version, position)
VALUES (@projection, @incarnation, @build, @schema_version, 0)
ON CONFLICT (projection) DO UPDATE SET incarnation = excluded.incarnation, build = excluded.build,
    schema_version = excluded.schema_version, position = 0, started_at = now();

-- name: MoveRebuild :execrows
-- Compare and set, as for checkpoints.
UPDATE projection_rebuilds SET position = @position
WHERE projection = @projection AND build = @build AND incarnation = @incarnation AND position = @expected;

-- name: EndRebuild :execrows
DELETE FROM projection_rebuilds WHERE projection = @projection AND build = @build AND incarnation = @incarnation AND position = @position;
