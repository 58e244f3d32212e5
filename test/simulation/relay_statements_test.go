package simulation

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
)

// relayed is what the log's database holds of the relay.
type relayed struct {
	cursor     progress.Cursor // without an incarnation there is none
	partitions map[progress.PartitionID]progress.Partition
	holder     string // of the lease
	expires    time.Time
}

// changePartitions replaces the partitions by what f makes of a copy.
func (s *state) changePartitions(f func(map[progress.PartitionID]progress.Partition)) {
	partitions := maps.Clone(s.relayed.partitions)
	if partitions == nil {
		partitions = map[progress.PartitionID]progress.Partition{}
	}
	f(partitions)
	s.relayed.partitions = partitions
}

const (
	cursorLock = "the relay's cursor"
	leaseLock  = "the relay's lease"
)

// relayStatements are those of the relay and of packages that read the log for projectors.
var relayStatements = []statement{
	{
		sql: `UPDATE relay_partitions SET last_position = $3, filled_to = NULL
			WHERE EXISTS (SELECT FROM relay_cursor WHERE shard = $1 AND incarnation <> $2)`,
		params: []uint32{smallint, uuidOID, bigint},
		run: func(x *execution) ([][]any, error) {
			if err := x.lock(cursorLock); err != nil {
				return nil, err
			}
			if known := x.tx.view().relayed.cursor.Incarnation; known != "" && known != argUUID(x, 2) {
				position := arg[int64](x, 3)
				x.tx.change(func(s *state) {
					s.changePartitions(func(partitions map[progress.PartitionID]progress.Partition) {
						for id, p := range partitions {
							p.LastPosition, p.FilledTo = position, nil
							partitions[id] = p
						}
					})
				})
			}
			return nil, nil
		},
	},
	{
		sql: `INSERT INTO relay_cursor AS c (shard, incarnation, position) VALUES ($1, $2, 0)
			ON CONFLICT (shard) DO UPDATE SET incarnation = excluded.incarnation,
				position = CASE WHEN c.incarnation = excluded.incarnation THEN c.position ELSE 0 END
			RETURNING position`,
		params: []uint32{smallint, uuidOID}, columns: []column{{"position", bigint}},
		run: func(x *execution) ([][]any, error) {
			if err := x.lock(cursorLock); err != nil {
				return nil, err
			}
			c := progress.Cursor{Incarnation: argUUID(x, 2)}
			if known := x.tx.view().relayed.cursor; known.Incarnation == c.Incarnation {
				c = known
			}
			x.tx.change(func(s *state) { s.relayed.cursor = c })
			return [][]any{{c.Position}}, nil
		},
	},
	{
		sql: `WITH moved AS (
				UPDATE relay_cursor c SET position = $1
				WHERE c.shard = $2 AND c.position = $3 AND c.incarnation = $4 AND c.incarnation = ` + eventstore.IncarnationSQL + `
				RETURNING 1
			), saved AS (
				UPDATE relay_partitions p SET last_offset = n.last_offset, last_position = n.last_position, filled_to = n.filled_to
				FROM unnest($5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::bigint[])
					AS n (topic, partition, last_offset, last_position, filled_to)
				WHERE p.topic = n.topic AND p.partition = n.partition AND EXISTS (SELECT FROM moved)
			), unhurried AS (SELECT set_config('synchronous_commit', 'off', true)
			) SELECT count(*) FROM moved, unhurried`,
		params:  []uint32{bigint, smallint, bigint, uuidOID, texts, integers, bigints, bigints, bigints},
		columns: []column{{"count", bigint}},
		run:     moveCursor,
	},
	{
		sql: `SELECT topic, partition, last_offset, last_position, filled_to, refills FROM relay_partitions`,
		columns: []column{
			{"topic", text}, {"partition", integer}, {"last_offset", bigint}, {"last_position", bigint}, {"filled_to", bigint}, {"refills", bigint},
		},
		run: func(x *execution) (rows [][]any, err error) {
			partitions := x.tx.view().relayed.partitions
			for _, id := range slices.SortedFunc(maps.Keys(partitions), comparePartitions) {
				p := partitions[id]
				rows = append(rows, []any{id.Topic, id.Index, p.LastOffset, p.LastPosition, p.FilledTo, p.Refills})
			}
			return rows, nil
		},
	},
	{
		sql: `DELETE FROM relay_partitions WHERE NOT EXISTS (
			SELECT FROM unnest($1::text[], $2::int[]) AS n (topic, partition)
			WHERE n.topic = relay_partitions.topic AND n.partition = relay_partitions.partition)`,
		params: []uint32{texts, integers},
		run: func(x *execution) ([][]any, error) {
			ids := argPartitions(x, 1)
			x.tx.change(func(s *state) {
				s.changePartitions(func(partitions map[progress.PartitionID]progress.Partition) {
					maps.DeleteFunc(partitions, func(id progress.PartitionID, _ progress.Partition) bool { return !slices.Contains(ids, id) })
				})
			})
			return nil, nil
		},
	},
	{
		sql: `INSERT INTO relay_partitions (topic, partition, last_offset, last_position, filled_to, refills)
			SELECT topic, partition, last_offset, last_position, filled_to, refills
			FROM unnest($1::text[], $2::int[], $3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[])
				AS n (topic, partition, last_offset, last_position, filled_to, refills)
			ON CONFLICT (topic, partition) DO UPDATE SET last_offset = excluded.last_offset,
				last_position = excluded.last_position, filled_to = excluded.filled_to, refills = excluded.refills`,
		params: []uint32{texts, integers, bigints, bigints, bigints, bigints},
		run: func(x *execution) ([][]any, error) {
			ids, offsets, positions, filled, refills := argPartitions(x, 1), arg[[]int64](x, 3), arg[[]int64](x, 4), arg[[]*int64](x, 5), arg[[]int64](x, 6)
			x.tx.change(func(s *state) {
				s.changePartitions(func(partitions map[progress.PartitionID]progress.Partition) {
					for i, id := range ids {
						partitions[id] = progress.Partition{LastOffset: offsets[i], LastPosition: positions[i], FilledTo: filled[i], Refills: refills[i]}
					}
				})
			})
			return nil, nil
		},
	},
	{
		sql: `INSERT INTO relay_lease AS l (shard, holder, expires_at) VALUES ($1, $2, clock_timestamp() + $3::interval)
			ON CONFLICT (shard) DO UPDATE SET holder = excluded.holder, expires_at = excluded.expires_at
			WHERE l.holder = excluded.holder OR l.expires_at < clock_timestamp()
			RETURNING true`,
		params: []uint32{smallint, text, interval}, columns: []column{{"?column?", boolean}},
		run: func(x *execution) ([][]any, error) {
			if err := x.lock(leaseLock); err != nil {
				return nil, err
			}
			holder, ttl, r := arg[string](x, 2), arg[pgtype.Interval](x, 3), x.tx.view().relayed
			if r.holder != "" && r.holder != holder && !r.expires.Before(x.now()) {
				return nil, nil
			}
			expires := x.now().Add(time.Duration(ttl.Microseconds) * time.Microsecond)
			x.tx.change(func(s *state) { s.relayed.holder, s.relayed.expires = holder, expires })
			return [][]any{{true}}, nil
		},
	},
	{
		sql:    `UPDATE relay_lease SET expires_at = clock_timestamp() WHERE shard = $1 AND holder = $2`,
		params: []uint32{smallint, text},
		run: func(x *execution) ([][]any, error) {
			if err := x.lock(leaseLock); err != nil {
				return nil, err
			}
			if now := x.now(); x.tx.view().relayed.holder == arg[string](x, 2) {
				x.tx.change(func(s *state) { s.relayed.expires = now })
			}
			return nil, nil
		},
	},
	{
		sql:    `SELECT incarnation::text, position FROM relay_cursor WHERE shard = $1`,
		params: []uint32{smallint}, columns: []column{{"incarnation", text}, {"position", bigint}},
		run: func(x *execution) ([][]any, error) {
			c := x.tx.view().relayed.cursor
			if c.Incarnation == "" {
				return nil, nil
			}
			return [][]any{{c.Incarnation, c.Position}}, nil
		},
	},
	{
		sql: `SELECT
			greatest(0, coalesce((SELECT position FROM domain_events WHERE shard = $1 ORDER BY position DESC LIMIT 1), 0) - $2::bigint),
			greatest(0, coalesce((SELECT extract(epoch FROM now() - recorded_at)::float8 FROM domain_events
				WHERE shard = $1 AND position > $2 ORDER BY position LIMIT 1), 0))`,
		params: []uint32{smallint, bigint}, columns: []column{{"greatest", bigint}, {"greatest", pgtype.Float8OID}},
		run: func(x *execution) ([][]any, error) {
			return [][]any{{max(0, x.tx.view().head()-arg[int64](x, 2)), 0.0}}, nil
		},
	},
	{
		sql: `SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at FROM domain_events
			WHERE shard = $1 AND position > $2 ORDER BY position LIMIT $3`,
		params: []uint32{smallint, bigint, bigint}, columns: logColumns,
		run: func(x *execution) ([][]any, error) {
			return logRows(x, arg[int64](x, 2), arg[int](x, 3), func(record) bool { return true }), nil
		},
	},
	{
		sql: `SELECT d.* FROM unnest($1::text[], $2::bigint[]) AS s (stream_id, version)
			CROSS JOIN LATERAL (SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at FROM domain_events e
				WHERE e.stream_id = s.stream_id AND e.version > s.version ORDER BY e.version LIMIT $3) d`,
		params: []uint32{texts, bigints, bigint}, columns: logColumns,
		run: func(x *execution) (rows [][]any, err error) {
			after := arg[[]int64](x, 2)
			for i, id := range arg[[]string](x, 1) {
				for _, r := range x.tx.view().stream(id, after[i], arg[int](x, 3)) {
					rows = append(rows, r.row())
				}
			}
			return rows, nil
		},
	},
	{
		sql: `SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at FROM domain_events
			WHERE shard = $1 AND position > $2 AND position <= $3 AND split_part(stream_id, '-', 1) = ANY ($4)
			ORDER BY position`,
		params: []uint32{smallint, bigint, bigint, texts}, columns: logColumns,
		run: func(x *execution) ([][]any, error) {
			to, categories := arg[int64](x, 3), arg[[]string](x, 4)
			return logRows(x, arg[int64](x, 2), len(x.tx.view().log), func(r record) bool {
				category, _, _ := strings.Cut(r.streamID, "-")
				return r.position <= to && slices.Contains(categories, category)
			}), nil
		},
	},
}

// moveCursor compares the cursor and sets it, with the partitions that were published to.
func moveCursor(x *execution) ([][]any, error) {
	if err := x.lock(cursorLock); err != nil {
		return nil, err
	}
	v := x.tx.view()
	expected := progress.Cursor{Incarnation: argUUID(x, 4), Position: arg[int64](x, 3)}
	if v.relayed.cursor != expected || v.incarnation != expected.Incarnation {
		return [][]any{{int64(0)}}, nil
	}
	to, ids, offsets, positions, filled := arg[int64](x, 1), argPartitions(x, 5), arg[[]int64](x, 7), arg[[]int64](x, 8), arg[[]*int64](x, 9)
	x.tx.settings["synchronous_commit"] = "off"
	x.tx.change(func(s *state) {
		s.relayed.cursor.Position = to
		s.changePartitions(func(partitions map[progress.PartitionID]progress.Partition) {
			for i, id := range ids {
				if p, ok := partitions[id]; ok {
					p.LastOffset, p.LastPosition, p.FilledTo = offsets[i], positions[i], filled[i]
					partitions[id] = p
				}
			}
		})
	})
	return [][]any{{int64(1)}}, nil
}

func logRows(x *execution, after int64, limit int, wanted func(record) bool) (rows [][]any) {
	for _, r := range x.tx.view().log {
		if r.position > after && len(rows) < limit && wanted(r) {
			rows = append(rows, r.row())
		}
	}
	return rows
}

func comparePartitions(a, b progress.PartitionID) int {
	if a.Topic != b.Topic {
		return strings.Compare(a.Topic, b.Topic)
	}
	return int(a.Index - b.Index)
}

// argPartitions returns the partitions that an argument and the next one name.
func argPartitions(x *execution, i int) (ids []progress.PartitionID) {
	indexes := arg[[]int32](x, i+1)
	for n, topic := range arg[[]string](x, i) {
		ids = append(ids, progress.PartitionID{Topic: topic, Index: indexes[n]})
	}
	return ids
}

func argUUID(x *execution, i int) string { return arg[pgtype.UUID](x, i).String() }
