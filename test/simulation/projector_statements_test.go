package simulation

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/relay/progress"
	"ticketing/projector/db"
)

// projected is what the database of the read tables holds of one projection.
type projected struct {
	projection  *db.Projection
	checkpoints map[progress.PartitionID]db.ProjectionCheckpoint
	rebuild     *db.ProjectionRebuild
	tables      map[string]map[string][]any // rows by id, by schema and table
}

// setRow changes a row of a table, which others may share.
func (s *state) setRow(table, id string, row []any) {
	tables, rows := maps.Clone(s.projected.tables), maps.Clone(s.projected.tables[table])
	if rows == nil {
		rows = map[string][]any{}
	}
	rows[id], tables[table] = row, rows
	s.projected.tables = tables
}

const (
	liveSchema       = "public"
	liveReservations = liveSchema + ".reservations"
	nameLock         = "the projection's row"
)

// generated returns the text of a statement that sqlc has made, with the sum that it had when the simulation was written like it.
func generated(name, sum string) string {
	sql := generatedTexts()[name]
	if is := sha256.Sum256([]byte(normal(sql))); hex.EncodeToString(is[:4]) != sum {
		panic(fmt.Sprintf("statement %s has changed: change the simulation like it; its sum is %x", name, is[:4]))
	}
	return sql
}

var generatedTexts = sync.OnceValue(func() map[string]string {
	texts := map[string]string{}
	for _, file := range []string{"runner", "reservations"} {
		source, err := os.ReadFile("../../projector/db/" + file + ".sql.go")
		if err != nil {
			panic(err)
		}
		for _, m := range regexp.MustCompile("(?s)= `(-- name: (\\w+) :.*?)`").FindAllStringSubmatch(string(source), -1) {
			texts[m[2]] = m[1]
		}
	}
	return texts
})

// projectorStatements are those of package runner and its neighbors, for one projection.
var projectorStatements = []statement{
	{
		sql: generated("AddProjection", "f80fada1"), params: []uint32{text, text},
		run: func(x *execution) ([][]any, error) {
			if err := x.lock(nameLock); err != nil {
				return nil, err
			}
			if p := (db.Projection{Name: arg[string](x, 1), Generation: 1, Incarnation: arg[string](x, 2)}); x.tx.view().projected.projection == nil {
				x.tx.change(func(s *state) { s.projected.projection = &p })
			}
			return nil, nil
		},
	},
	{
		sql: generated("Projection", "34d70659"), params: []uint32{text},
		columns: []column{{"generation", bigint}, {"incarnation", text}, {"incomplete", boolean}},
		run: func(x *execution) ([][]any, error) {
			p := x.tx.view().projected.projection
			return [][]any{{p.Generation, p.Incarnation, p.Incomplete}}, nil
		},
	},
	{
		sql: generated("Enter", "6349f1de"), params: []uint32{text},
		columns: append([]column{{"pg_advisory_xact_lock_shared", voidOID}}, slices.Repeat([]column{{"set_config", text}}, 5)...),
		run: func(x *execution) ([][]any, error) {
			x.tx.settings["idle_in_transaction_session_timeout"], x.tx.settings["synchronous_commit"] = "10s", "off"
			return [][]any{{nil, "10s", "off", "off", "off", "off"}}, x.db.acquire("the tables", claim{session: x.session, shared: true})
		},
	},
	{
		sql: generated("LockOut", "ba9045e5"), params: []uint32{text}, columns: []column{{"pg_advisory_xact_lock", voidOID}, {"set_config", text}},
		run: func(x *execution) ([][]any, error) {
			x.tx.settings["idle_in_transaction_session_timeout"] = "10s"
			return [][]any{{nil, "10s"}}, x.lock("the tables")
		},
	},
	{
		sql: generated("Generation", "75990fdd"), params: []uint32{text}, columns: []column{{"generation", bigint}},
		run: func(x *execution) ([][]any, error) {
			return [][]any{{x.tx.view().projected.projection.Generation}}, nil
		},
	},
	{
		sql: generated("SwitchProjection", "7084218b"), params: []uint32{text, text},
		run: func(x *execution) ([][]any, error) {
			incarnation := arg[string](x, 1)
			return nil, x.changeProjection(func(p *db.Projection) {
				p.Generation, p.Incarnation, p.Incomplete = p.Generation+1, incarnation, false
			})
		},
	},
	{
		sql: generated("MarkIncomplete", "f9629205"), params: []uint32{text, bigint},
		run: func(x *execution) ([][]any, error) {
			generation := arg[int64](x, 2)
			return nil, x.changeProjection(func(p *db.Projection) { p.Incomplete = p.Incomplete || p.Generation == generation })
		},
	},
	{sql: generated("AddCheckpoints", "c0a675d2"), params: []uint32{text, texts, integers, bigint}, run: addCheckpoints},
	{
		sql: generated("Checkpoints", "bfb5b3c5"), params: []uint32{text},
		columns: []column{
			{"projection", text}, {"topic", text}, {"partition", integer}, {"next_offset", bigint}, {"position", bigint}, {"incarnation", text},
			{"generation", bigint},
		},
		run: func(x *execution) (rows [][]any, err error) {
			checkpoints := x.tx.view().projected.checkpoints
			for _, id := range slices.SortedFunc(maps.Keys(checkpoints), comparePartitions) {
				c := checkpoints[id]
				rows = append(rows, []any{c.Projection, c.Topic, c.Partition, c.NextOffset, c.Position, c.Incarnation, c.Generation})
			}
			return rows, nil
		},
	},
	{
		sql: generated("MoveCheckpoints", "b962bb77"), params: []uint32{text, bigint, texts, integers, bigints, bigints, bigints, texts},
		run: moveCheckpoints,
	},
	{
		sql: generated("SwitchCheckpoints", "e348409f"), params: []uint32{text},
		run: func(x *execution) ([][]any, error) {
			checkpoints := x.tx.view().projected.checkpoints
			for id := range checkpoints {
				if err := x.lock(checkpointLock(id)); err != nil {
					return nil, err
				}
			}
			x.changeCheckpoints(func(c map[progress.PartitionID]db.ProjectionCheckpoint) {
				for id, one := range c {
					one.Generation++
					c[id] = one
				}
			})
			return nil, nil
		},
	},
	{
		sql: generated("LockDeadLetters", "15f21a0a"), params: []uint32{text, texts}, columns: []column{{"stream_id", text}},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: generated("DeadLetters", "b4924094"), params: []uint32{text},
		columns: []column{
			{"projection", text}, {"stream_id", text}, {"version", bigint}, {"waiting_version", bigint}, {"position", bigint}, {"type", text},
			{"error", text}, {"failed_at", timestamptz},
		},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: generated("Rebuild", "90c3b339"), params: []uint32{text},
		columns: []column{{"incarnation", text}, {"build", text}, {"schema_version", bigint}, {"position", bigint}},
		run: func(x *execution) ([][]any, error) {
			r := x.tx.view().projected.rebuild
			if r == nil {
				return nil, nil
			}
			return [][]any{{r.Incarnation, r.Build, r.SchemaVersion, r.Position}}, nil
		},
	},
	{
		sql: generated("BeginRebuild", "87aebf33"), params: []uint32{text, text, text, bigint},
		run: func(x *execution) ([][]any, error) {
			r := db.ProjectionRebuild{Incarnation: arg[string](x, 2), Build: arg[string](x, 3), SchemaVersion: arg[int64](x, 4)}
			x.tx.change(func(s *state) { s.projected.rebuild = &r })
			return nil, nil
		},
	},
	{
		sql: generated("MoveRebuild", "f66f3d00"), params: []uint32{bigint, text, text, text, bigint},
		run: func(x *execution) ([][]any, error) {
			to := arg[int64](x, 1)
			return nil, x.changeRebuild(arg[string](x, 3), arg[string](x, 4), arg[int64](x, 5), func(s *state) {
				r := *s.projected.rebuild
				r.Position = to
				s.projected.rebuild = &r
			})
		},
	},
	{
		sql: generated("EndRebuild", "d892daef"), params: []uint32{text, text, text, bigint},
		run: func(x *execution) ([][]any, error) {
			return nil, x.changeRebuild(arg[string](x, 2), arg[string](x, 3), arg[int64](x, 4), func(s *state) { s.projected.rebuild = nil })
		},
	},
	{
		sql: `SELECT pg_try_advisory_lock(hashtext('ticketing rebuild'), hashtext($1))`, params: []uint32{text},
		columns: []column{{"pg_try_advisory_lock", boolean}},
		run: func(x *execution) ([][]any, error) {
			free := x.db.locks[rebuildLock] == nil
			if free {
				_ = x.db.acquire(rebuildLock, claim{session: x.session, unlimited: true})
			}
			return [][]any{{free}}, nil
		},
	},
	{
		sql: `SELECT pg_advisory_unlock(hashtext('ticketing rebuild'), hashtext($1))`, params: []uint32{text},
		columns: []column{{"pg_advisory_unlock", boolean}},
		run: func(x *execution) ([][]any, error) {
			delete(x.db.locks, rebuildLock)
			delete(x.locks, rebuildLock)
			return [][]any{{true}}, nil
		},
	},
	{
		sql: `SELECT version, dirty FROM schema_migrations`, columns: []column{{"version", bigint}, {"dirty", boolean}},
		run: func(*execution) ([][]any, error) { return [][]any{{int64(1), false}}, nil },
	},
	{
		sql:    `SELECT set_config('search_path', $1 || ', ' || current_setting('search_path'), true)`,
		params: []uint32{text}, columns: []column{{"set_config", text}},
		run: func(x *execution) ([][]any, error) {
			x.tx.settings["search_path"] = strings.Trim(arg[string](x, 1), `"`)
			return [][]any{{""}}, nil
		},
	},
	{
		sql: `SELECT table_schema FROM information_schema.tables WHERE table_name = 'projections'
			AND table_schema = ANY (current_schemas(false))`,
		columns: []column{{"table_schema", pgtype.NameOID}},
		run:     func(*execution) ([][]any, error) { return [][]any{{liveSchema}}, nil },
	},
	{
		sql: `DELETE FROM "public".projection_dead_letters WHERE projection = $1`, params: []uint32{text},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: `DELETE FROM "public".projection_backlog WHERE projection = $1`, params: []uint32{text},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{sql: generated("LoadReservations", "76ca79d7"), params: []uint32{texts}, columns: reservationColumns, run: loadReservations},
	{sql: generated("SaveReservations", "d6a5f6c9"), params: savedReservations, run: saveReservations},
}

const rebuildLock = "the rebuild"

func (x *execution) changeProjection(f func(*db.Projection)) error {
	if err := x.lock(nameLock); err != nil {
		return err
	}
	x.tx.change(func(s *state) {
		p := *s.projected.projection
		f(&p)
		s.projected.projection = &p
	})
	return nil
}

func (x *execution) changeRebuild(build, incarnation string, position int64, f func(*state)) error {
	if err := x.lock("the rebuild's position"); err != nil {
		return err
	}
	if r := x.tx.view().projected.rebuild; r != nil && r.Build == build && r.Incarnation == incarnation && r.Position == position {
		x.affected = 1
		x.tx.change(f)
	}
	return nil
}

func checkpointLock(id progress.PartitionID) string { return fmt.Sprint("checkpoint ", id) }

func (x *execution) changeCheckpoints(f func(map[progress.PartitionID]db.ProjectionCheckpoint)) {
	x.tx.change(func(s *state) {
		checkpoints := maps.Clone(s.projected.checkpoints)
		if checkpoints == nil {
			checkpoints = map[progress.PartitionID]db.ProjectionCheckpoint{}
		}
		f(checkpoints)
		s.projected.checkpoints = checkpoints
	})
}

func addCheckpoints(x *execution) ([][]any, error) {
	ids, generation, name := argPartitions(x, 2), arg[int64](x, 4), arg[string](x, 1)
	for _, id := range ids {
		if err := x.lock(checkpointLock(id)); err != nil {
			return nil, err
		}
	}
	x.changeCheckpoints(func(c map[progress.PartitionID]db.ProjectionCheckpoint) {
		for _, id := range ids {
			one, known := c[id]
			switch {
			case !known:
				c[id] = db.ProjectionCheckpoint{Projection: name, Topic: id.Topic, Partition: id.Index, Generation: generation}
			case one.Generation < generation:
				one.Generation = generation
				c[id] = one
			}
		}
	})
	return nil, nil
}

func moveCheckpoints(x *execution) ([][]any, error) {
	generation, ids, expected := arg[int64](x, 2), argPartitions(x, 3), arg[[]int64](x, 5)
	next, positions, incarnations := arg[[]int64](x, 6), arg[[]int64](x, 7), arg[[]string](x, 8)
	for _, id := range ids {
		if err := x.lock(checkpointLock(id)); err != nil {
			return nil, err
		}
	}
	known := x.tx.view().projected.checkpoints
	matches := func(i int) bool {
		c, ok := known[ids[i]]
		return ok && c.NextOffset == expected[i] && c.Generation == generation
	}
	for i := range ids {
		if matches(i) {
			x.affected++
		}
	}
	x.changeCheckpoints(func(c map[progress.PartitionID]db.ProjectionCheckpoint) {
		for i, id := range ids {
			if matches(i) {
				one := c[id]
				one.NextOffset, one.Position, one.Incarnation = next[i], positions[i], incarnations[i]
				c[id] = one
			}
		}
	})
	return nil, nil
}

var reservationColumns = []column{
	{"id", text}, {"version", bigint}, {"event_id", text}, {"customer_id", text}, {"status", text}, {"seats", pgtype.JSONBOID}, {"total", bigint},
	{"currency", text}, {"created_at", timestamptz}, {"expires_at", timestamptz}, {"completed_at", timestamptz}, {"expired_at", timestamptz},
	{"cancelled_at", timestamptz}, {"compensated_at", timestamptz}, {"refunded_at", timestamptz}, {"metadata", pgtype.JSONBOID},
	{"tickets", pgtype.JSONBOID},
}

var savedReservations = []uint32{
	texts, bigints, texts, texts, texts, texts, texts, bigints, texts, pgtype.TimestamptzArrayOID, pgtype.TimestamptzArrayOID,
	pgtype.TimestamptzArrayOID, pgtype.TimestamptzArrayOID, pgtype.TimestamptzArrayOID, pgtype.TimestamptzArrayOID, pgtype.TimestamptzArrayOID, texts,
}

// table returns the table that a statement of the transaction means.
func (x *execution) table(name string) string {
	if schema := x.tx.settings["search_path"]; schema != "" {
		if table := schema + "." + name; x.tx.view().projected.tables[table] != nil {
			return table
		}
	}
	return liveSchema + "." + name
}

func loadReservations(x *execution) (rows [][]any, err error) {
	table := x.tx.view().projected.tables[x.table("reservations")]
	for _, id := range arg[[]string](x, 1) {
		if row := table[id]; row != nil {
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func saveReservations(x *execution) ([][]any, error) {
	table := x.table("reservations")
	ids, versions, statuses := arg[[]string](x, 1), arg[[]int64](x, 2), arg[[]string](x, 5)
	for _, id := range ids {
		if err := x.lock(table + " " + id); err != nil {
			return nil, err
		}
	}
	saved := make([][]any, len(ids))
	for i, id := range ids {
		saved[i] = []any{
			id, versions[i], arg[[]string](x, 3)[i], arg[[]string](x, 4)[i], statuses[i], json.RawMessage(arg[[]string](x, 6)[i]),
			arg[[]int64](x, 8)[i], arg[[]string](x, 9)[i],
		}
		for n := 10; n <= 16; n++ {
			saved[i] = append(saved[i], arg[[]pgtype.Timestamptz](x, n)[i])
		}
		saved[i] = append(saved[i], json.RawMessage(arg[[]string](x, 17)[i]), json.RawMessage(arg[[]string](x, 7)[i]))
	}
	x.tx.change(func(s *state) {
		for i, id := range ids {
			if old := s.projected.tables[table][id]; old == nil || old[1].(int64) < versions[i] {
				s.setRow(table, id, saved[i])
			}
		}
	})
	return nil, nil
}

// definitions are the statements that make, move and drop tables.
var definitions = []struct {
	pattern *regexp.Regexp
	tag     string
	apply   func(tables map[string]map[string][]any, words []string)
}{
	{regexp.MustCompile(`^DROP SCHEMA (?:IF EXISTS )?"(\w+)" CASCADE$`), "DROP SCHEMA", func(tables map[string]map[string][]any, words []string) {
		maps.DeleteFunc(tables, func(name string, _ map[string][]any) bool { return strings.HasPrefix(name, words[1]+".") })
	}},
	{regexp.MustCompile(`^CREATE SCHEMA "(\w+)"$`), "CREATE SCHEMA", func(map[string]map[string][]any, []string) {}},
	{regexp.MustCompile(`^CREATE TABLE "(\w+)"."(\w+)" \(LIKE "\w+" INCLUDING ALL\)$`), "CREATE TABLE", func(tables map[string]map[string][]any, words []string) {
		tables[words[1]+"."+words[2]] = map[string][]any{}
	}},
	{regexp.MustCompile(`^DROP TABLE "(\w+)"."(\w+)"$`), "DROP TABLE", func(tables map[string]map[string][]any, words []string) {
		delete(tables, words[1]+"."+words[2])
	}},
	{regexp.MustCompile(`^ALTER TABLE "(\w+)"."(\w+)" SET SCHEMA "(\w+)"$`), "ALTER TABLE", func(tables map[string]map[string][]any, words []string) {
		tables[words[3]+"."+words[2]] = tables[words[1]+"."+words[2]]
		delete(tables, words[1]+"."+words[2])
	}},
	{regexp.MustCompile(`^ANALYZE "\w+"."\w+"$`), "ANALYZE", func(map[string]map[string][]any, []string) {}},
	{regexp.MustCompile(`^INSERT INTO "public".projection_dead_letters TABLE "\w+".projection_dead_letters$`), "INSERT 0 0",
		func(map[string]map[string][]any, []string) {}},
}

// define runs a definition, and reports whether the text is one.
func (s *session) define(text string) (tag string, ok bool) {
	for _, d := range definitions {
		words := d.pattern.FindStringSubmatch(text)
		if words == nil {
			continue
		}
		s.beginTransaction().change(func(next *state) {
			next.projected.tables = maps.Clone(next.projected.tables)
			d.apply(next.projected.tables, words)
		})
		return d.tag, true
	}
	return "", false
}
