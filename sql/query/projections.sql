-- name: Projections :many
SELECT p.name, p.generation, (SELECT count(*) FROM projection_dead_letters d WHERE d.projection = p.name) AS dead_letters
FROM projections p;

-- name: ProjectionCheckpoints :many
SELECT projection, topic, partition, next_offset, position FROM projection_checkpoints;
