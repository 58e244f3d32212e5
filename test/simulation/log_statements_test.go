package simulation

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"ticketing/command/eventstore"
)

// state is what a database holds.
type state struct {
	incarnation string
	log         []record // by position
	keys        map[keyID]key
	snapshots   map[string]eventstore.Snapshot
	relayed     relayed
	projected   projected
	followed    followed
	queue       queue
	outside     outside
}

func newState(incarnation string) *state {
	return &state{
		incarnation: incarnation, keys: map[keyID]key{}, snapshots: map[string]eventstore.Snapshot{},
		projected: projected{tables: map[string]map[string][]any{liveReservations: {}}},
	}
}

func (s *state) clone() *state {
	c := *s
	c.log, c.keys, c.snapshots = slices.Clip(s.log), maps.Clone(s.keys), maps.Clone(s.snapshots)
	return &c
}

type record struct {
	position      int64
	streamID      string
	version       int64
	name          string
	schemaVersion int16
	data          string
	metadata      string
	recordedAt    time.Time
}

type keyID struct{ actor, key string }

type key struct {
	hash    []byte
	outcome string
	expires time.Time
}

// correlation returns the id of the command that the record comes from.
func (r record) correlation() string {
	var m eventstore.Metadata
	_ = json.Unmarshal([]byte(r.metadata), &m)
	return m.CorrelationID
}

func (s *state) head() int64 {
	if len(s.log) == 0 {
		return 0
	}
	return s.log[len(s.log)-1].position
}

// stream returns up to limit records of a stream after a version.
func (s *state) stream(id string, after int64, limit int) (found []record) {
	for _, r := range s.log {
		if r.streamID == id && r.version > after && len(found) < limit {
			found = append(found, r)
		}
	}
	return found
}

var (
	headColumns   = []column{{"coalesce", bigint}, {"incarnation", text}}
	changeColumns = []column{{"stream_id", text}, {"version", bigint}, {"type", text}, {"schema_version", smallint}, {"data", jsonOID}}
	logColumns    = []column{
		{"shard", smallint}, {"position", bigint}, {"stream_id", text}, {"version", bigint}, {"type", text}, {"schema_version", smallint},
		{"data", jsonOID}, {"metadata", jsonOID}, {"recorded_at", timestamptz},
	}
)

// logStatements are those of the engine and of package eventstore.
var logStatements = []statement{
	{sql: "BEGIN"},
	{sql: "COMMIT"},
	{
		sql: `SELECT pg_advisory_xact_lock($1, $2)`, params: []uint32{integer, integer}, columns: []column{{"pg_advisory_xact_lock", voidOID}},
		run: func(x *execution) ([][]any, error) {
			return [][]any{{nil}}, x.lock(logLock)
		},
	},
	{
		sql:     eventstore.HeadSQL + `, ` + eventstore.LockedTimeSQL,
		columns: append(slices.Clip(headColumns), column{"greatest", timestamptz}),
		run: func(x *execution) ([][]any, error) {
			v, now := x.tx.view(), x.now()
			if n := len(v.log); n > 0 && v.log[n-1].recordedAt.After(now) {
				now = v.log[n-1].recordedAt
			}
			return [][]any{{v.head(), v.incarnation, now}}, nil
		},
	},
	{
		sql: eventstore.HeadSQL, columns: headColumns,
		run: func(x *execution) ([][]any, error) {
			return [][]any{{x.tx.view().head(), x.tx.view().incarnation}}, nil
		},
	},
	{
		sql: eventstore.ChangesSQL, params: []uint32{texts, bigints, bigint}, columns: changeColumns,
		run: func(x *execution) (rows [][]any, err error) {
			after := arg[[]int64](x, 2)
			for i, id := range arg[[]string](x, 1) {
				rows = append(rows, changes(x, id, after[i], arg[int](x, 3))...)
			}
			return rows, nil
		},
	},
	{
		sql: `SELECT stream_id, version, type, schema_version, data FROM domain_events
			WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`, params: []uint32{text, bigint, bigint}, columns: changeColumns,
		run: func(x *execution) ([][]any, error) {
			return changes(x, arg[string](x, 1), arg[int64](x, 2), arg[int](x, 3)), nil
		},
	},
	{
		sql: `WITH appended AS ( ` + eventstore.AppendSQL + ` )
			INSERT INTO idempotency_keys (actor, key, request_hash, outcome, expires_at)
			SELECT actor, key, request_hash, outcome::json, $4
			FROM unnest($11::text[], $12::text[], $13::bytea[], $14::text[]) AS k(actor, key, request_hash, outcome)`,
		params: []uint32{smallint, bigint, timestamptz, timestamptz, texts, bigints, texts, smallints, texts, texts, texts, texts, byteas, texts},
		run: func(x *execution) ([][]any, error) {
			if err := appendRecords(x); err != nil {
				return nil, err
			}
			return nil, insertKeys(x)
		},
	},
	{
		sql: `DELETE FROM idempotency_keys USING unnest($1::text[], $2::text[]) AS freed(actor, key)
			WHERE idempotency_keys.actor = freed.actor AND idempotency_keys.key = freed.key`, params: []uint32{texts, texts},
		run: func(x *execution) ([][]any, error) {
			actors, keys := arg[[]string](x, 1), arg[[]string](x, 2)
			for i := range actors {
				if err := x.lock(keyID{actors[i], keys[i]}.lock()); err != nil {
					return nil, err
				}
			}
			x.tx.change(func(s *state) {
				for i := range actors {
					delete(s.keys, keyID{actors[i], keys[i]})
				}
			})
			return nil, nil
		},
	},
	{
		sql:     `SELECT pg_logical_emit_message(true, 'ticketing', ''::text)`,
		columns: []column{{"pg_logical_emit_message", pgLSN}},
		run: func(x *execution) ([][]any, error) {
			x.tx.writes = true
			return [][]any{{nil}}, nil
		},
	},
	{
		sql: `SELECT actor, key, request_hash, outcome, expires_at > $3 FROM idempotency_keys
			JOIN unnest($1::text[], $2::text[]) AS asked(actor, key) USING (actor, key)`,
		params:  []uint32{texts, texts, timestamptz},
		columns: []column{{"actor", text}, {"key", text}, {"request_hash", bytea}, {"outcome", jsonOID}, {"?column?", boolean}},
		run: func(x *execution) (rows [][]any, err error) {
			actors, keys, now := arg[[]string](x, 1), arg[[]string](x, 2), arg[time.Time](x, 3)
			for i := range actors {
				if k, ok := x.tx.view().keys[keyID{actors[i], keys[i]}]; ok {
					rows = append(rows, []any{actors[i], keys[i], k.hash, json.RawMessage(k.outcome), k.expires.After(now)})
				}
			}
			return rows, nil
		},
	},
	{
		sql: `SELECT version, data FROM snapshots
			WHERE stream_id = $1 AND schema_version = $2 AND incarnation = ` + eventstore.IncarnationSQL,
		params: []uint32{text, smallint}, columns: []column{{"version", bigint}, {"data", bytea}},
		run: func(x *execution) ([][]any, error) {
			s, ok := x.tx.view().snapshots[arg[string](x, 1)]
			if !ok || s.SchemaVersion != arg[int](x, 2) || s.Incarnation != x.tx.view().incarnation {
				return nil, nil
			}
			return [][]any{{s.Version, s.Data}}, nil
		},
	},
	{
		sql: `DELETE FROM idempotency_keys WHERE ctid = ANY (ARRAY(
			SELECT ctid FROM idempotency_keys WHERE expires_at < ` + eventstore.NowSQL + ` ORDER BY expires_at LIMIT $1 FOR UPDATE SKIP LOCKED))`,
		params: []uint32{bigint},
		run:    func(*execution) ([][]any, error) { return nil, nil }, // a run is shorter than a key's life
	},
	{
		sql: `WITH holder AS MATERIALIZED (
			SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
			WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2
				AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND wait_event_type = 'Client' AND state_change < clock_timestamp() - interval '1s')
			SELECT pid FROM holder WHERE pg_terminate_backend(pid)`,
		params: []uint32{oidOID, oidOID}, columns: []column{{"pid", integer}},
		run: func(x *execution) (rows [][]any, err error) {
			for _, s := range x.db.world.sessions() {
				if s.db == x.db && s != x.session && s.locks[logLock] && s.waitsFor == "" && s.idle() && s.idleAt.Before(time.Now().Add(-time.Second)) {
					rows = append(rows, []any{int32(s.id)})
					s.terminate("57P01", "terminating connection due to administrator command")
				}
			}
			return rows, nil
		},
	},
}

const (
	logLock = "the log"
	pgLSN   = uint32(3220)
)

func changes(x *execution, id string, after int64, limit int) (rows [][]any) {
	for _, r := range x.tx.view().stream(id, after, limit) {
		rows = append(rows, []any{r.streamID, r.version, r.name, r.schemaVersion, json.RawMessage(r.data)})
	}
	return rows
}

func (r record) row() []any {
	return []any{
		eventstore.Shard, r.position, r.streamID, r.version, r.name, r.schemaVersion, json.RawMessage(r.data), json.RawMessage(r.metadata), r.recordedAt,
	}
}

func appendRecords(x *execution) error {
	after, at := arg[int64](x, 2), arg[time.Time](x, 3)
	if last := x.tx.view().log; at.After(x.now()) && len(last) > 0 && at.After(last[len(last)-1].recordedAt) {
		x.db.world.violate("position %d is of %s, and the database's time is %s", after+1, at, x.now())
	}
	ids, versions, names := arg[[]string](x, 5), arg[[]int64](x, 6), arg[[]string](x, 7)
	schemaVersions, data, metadata := arg[[]int16](x, 8), arg[[]string](x, 9), arg[[]string](x, 10)
	added := make([]record, len(ids))
	for i := range ids {
		added[i] = record{after + int64(i) + 1, ids[i], versions[i], names[i], schemaVersions[i], data[i], metadata[i], at}
		for _, unique := range []string{fmt.Sprintf("position %d", added[i].position), fmt.Sprintf("%s at %d", ids[i], versions[i])} {
			if err := x.lock(unique); err != nil {
				return err
			}
		}
	}
	for _, old := range x.tx.view().log {
		for _, r := range added {
			if old.position == r.position || (old.streamID == r.streamID && old.version == r.version) {
				return errDuplicate
			}
		}
	}
	if len(added) > 0 {
		x.tx.change(func(s *state) { s.log = append(slices.Clip(s.log), added...) })
	}
	return nil
}

func (k keyID) lock() string { return "key " + k.actor + " " + k.key }

func insertKeys(x *execution) error {
	actors, names, hashes, outcomes := arg[[]string](x, 11), arg[[]string](x, 12), arg[[][]byte](x, 13), arg[[]string](x, 14)
	expires := arg[time.Time](x, 4)
	for i := range actors {
		id := keyID{actors[i], names[i]}
		if err := x.lock(id.lock()); err != nil {
			return err
		}
		if _, exists := x.tx.view().keys[id]; exists {
			return errDuplicate
		}
	}
	x.affected = len(actors)
	if len(actors) > 0 {
		x.tx.change(func(s *state) {
			for i := range actors {
				s.keys[keyID{actors[i], names[i]}] = key{hashes[i], outcomes[i], expires}
			}
		})
	}
	return nil
}
