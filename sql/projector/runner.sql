-- name: AddProjection :exec
INSERT INTO projections (name, generation, incarnation) VALUES (@name, 1, @incarnation) ON CONFLICT DO NOTHING;

-- name: Projection :one
SELECT generation, incarnation FROM projections WHERE name = @name;

-- name: Enter :exec
-- A switch of generations waits for who has entered, and then nobody enters any more. (Locks of this kind are given in turn; who locks
-- the row itself in share mode can keep a switch waiting for ever, by turns with others.)
-- And what a crash of the database loses comes again from the broker, rows and checkpoints together, so that the commit need not wait
-- for the disk. Rows are found by their keys, always: a plan made while a table was empty reads all of it, and outlives that by far
-- (measured: 2.4 s a batch after 30,000 rows, 0.1 s with this).
-- A process that freezes in a transaction loses it: others wait for its rows.
SELECT pg_advisory_xact_lock_shared(hashtext('ticketing projection'), hashtext(@name)),
       set_config('idle_in_transaction_session_timeout', '10s', true),
       set_config('synchronous_commit', 'off', true), set_config('enable_seqscan', 'off', true),
       set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);

-- name: Generation :one
SELECT generation FROM projections WHERE name = @name;

-- name: LockOut :exec
-- Waits until nobody is inside, and lets nobody enter until the transaction ends.
SELECT pg_advisory_xact_lock(hashtext('ticketing projection'), hashtext(@name)),
       set_config('idle_in_transaction_session_timeout', '10s', true);

-- name: SwitchProjection :exec
UPDATE projections SET generation = generation + 1, incarnation = @incarnation WHERE name = @name;

-- name: AddCheckpoints :exec
-- One that was added just after a switch, by somebody who had not noticed it, begins at 0 and can join the new generation.
INSERT INTO projection_checkpoints (projection, topic, partition, next_offset, position, incarnation, generation)
SELECT @projection, unnest(@topics::text[]), unnest(@partitions::int[]), 0, 0, '', @generation
ON CONFLICT (projection, topic, partition) DO UPDATE SET generation = excluded.generation
WHERE projection_checkpoints.generation < excluded.generation;

-- name: Checkpoints :many
SELECT * FROM projection_checkpoints WHERE projection = @projection;

-- name: MoveCheckpoints :execrows
-- Compare and set: who has lost a partition finds it moved.
UPDATE projection_checkpoints c SET next_offset = n.next_offset, position = n.position, incarnation = n.incarnation
FROM (SELECT unnest(@topics::text[]) AS topic, unnest(@partitions::int[]) AS partition, unnest(@expected::bigint[]) AS expected,
             unnest(@next_offsets::bigint[]) AS next_offset, unnest(@positions::bigint[]) AS position,
             unnest(@incarnations::text[]) AS incarnation) n
WHERE c.projection = @projection AND c.topic = n.topic AND c.partition = n.partition AND c.next_offset = n.expected
  AND c.generation = @generation;

-- name: SwitchCheckpoints :exec
UPDATE projection_checkpoints SET generation = generation + 1 WHERE projection = @projection;

-- name: LockDeadLetters :many
-- A replay holds the row while it reads the log: what comes meanwhile waits for its end.
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

-- name: DeleteDeadLetters :exec
DELETE FROM projection_dead_letters WHERE projection = @projection;

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
