package eventstore

// AppendSQL appends domain events. It is for the WITH of a statement, since an append is one round trip together with what else its caller
// writes. Its parameters are the shard ($1), the last position ($2) and the time ($3), and as arrays stream ids, versions, types, schema
// versions, data and metadata ($5 to $10). The caller has the log's lock.
const AppendSQL = `INSERT INTO domain_events (shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at)
		SELECT $1, $2 + n, stream_id, version, type, schema_version, data::json, metadata::json, $3
		FROM unnest($5::text[], $6::bigint[], $7::text[], $8::smallint[], $9::text[], $10::text[])
			WITH ORDINALITY AS r(stream_id, version, type, schema_version, data, metadata, n)`
