UPDATE saga_cursor c SET position = p.position FROM (SELECT shard, max(position) AS position FROM saga_positions GROUP BY shard) p WHERE p.shard = c.shard;
DROP FUNCTION saga_position();
DROP TABLE saga_positions;
