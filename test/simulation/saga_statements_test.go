package simulation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"

	"ticketing/command/eventstore"
)

// followed is what the log's database holds of the saga, apart from its jobs.
type followed struct {
	incarnation string // of the cursor
	completeAt  int64
	positions   map[int64]bool
	deadlines   map[deadlineID]deadline
	events      map[eventID]eventRow
	replicas    map[string]time.Time
	mails       map[mailID]bool
}

type (
	deadlineID struct{ kind, id string }
	eventID    struct{ id, format string }
	mailID     struct{ mail, id string }
	eventRow   struct {
		version int64
		state   string
	}
)

type deadline struct {
	dueAt, nextAt                       time.Time
	claimedUntil                        time.Time // zero: it is not claimed
	revision                            int64
	attempts                            int32
	correlationID, causationID, tracing string
}

func (id deadlineID) lock() string { return "deadline " + id.kind + " " + id.id }

// position returns how far the log has been followed.
func (f followed) position() (last int64) {
	for p := range f.positions {
		last = max(last, p)
	}
	return last
}

func positionLock(position int64) string { return fmt.Sprint("the saga's position ", position) }

const (
	sagaCursor = "the saga's cursor"
	dueSQL     = `next_at <= ` + eventstore.NowSQL + ` AND (claimed_until IS NULL OR claimed_until < clock_timestamp())`
	mineSQL    = `WITH mine AS (
		SELECT d.id FROM deadlines d JOIN unnest($2::text[], $3::bigint[]) AS asked(id, revision) USING (id, revision)
		WHERE d.kind = $1 AND d.id = ANY ($2) ORDER BY d.kind, d.id FOR UPDATE OF d
	) `
	whereMineSQL = ` WHERE d.kind = $1 AND d.id = ANY (ARRAY(SELECT id FROM mine))`
	ageSQL       = `greatest(extract(epoch FROM ` + eventstore.NowSQL
)

// isDue reports whether the deadline may be claimed.
func (d deadline) isDue(now time.Time) bool {
	return !d.nextAt.After(now) && d.claimedUntil.Before(now)
}

// sagaStatements are those of the saga, and of packages that read the log for it.
var sagaStatements = []statement{
	{
		sql: `SELECT ` + eventstore.TimeSQL, columns: []column{{"log_time", timestamptz}},
		run: func(x *execution) ([][]any, error) { return [][]any{{x.now()}}, nil },
	},
	{
		sql: `SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at FROM domain_events
			WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`,
		params: []uint32{text, bigint, bigint}, columns: logColumns,
		run: func(x *execution) (rows [][]any, err error) {
			for _, r := range x.tx.view().stream(arg[string](x, 1), arg[int64](x, 2), arg[int](x, 3)) {
				rows = append(rows, r.row())
			}
			return rows, nil
		},
	},
	{
		sql: `SELECT shard, position, stream_id, version, type, schema_version, data, metadata, recorded_at FROM domain_events
			WHERE stream_id = $1 AND version > $2 AND version < $3 ORDER BY version DESC LIMIT $4`,
		params: []uint32{text, bigint, bigint, bigint}, columns: logColumns,
		run: func(x *execution) (rows [][]any, err error) { // all of a stream, from its end
			for _, r := range x.tx.view().stream(arg[string](x, 1), arg[int64](x, 2), len(x.tx.view().log)) {
				rows = append(rows, r.row())
			}
			slices.Reverse(rows)
			return rows[:min(len(rows), arg[int](x, 4))], nil
		},
	},
	{
		sql: `SELECT ` + eventstore.TimeSQL + `, (` + eventstore.LastPositionSQL + ` > saga_position() OR c.incarnation IS DISTINCT FROM ` +
			eventstore.IncarnationSQL + `), ARRAY(
				SELECT k.kind FROM unnest($2::text[]) AS k(kind),
					LATERAL (SELECT FROM deadlines d WHERE d.kind = k.kind AND ` + dueSQL + ` LIMIT 1) AS due
			) FROM saga_cursor c WHERE shard = $1`,
		params: []uint32{smallint, texts}, columns: []column{{"log_time", timestamptz}, {"?column?", boolean}, {"array", texts}},
		run: func(x *execution) ([][]any, error) {
			v, due := x.tx.view(), []string{}
			for id, d := range v.followed.deadlines {
				if d.isDue(x.now()) && !slices.Contains(due, id.kind) {
					due = append(due, id.kind)
				}
			}
			return [][]any{{x.now(), v.head() > v.followed.position() || v.followed.incarnation != v.incarnation, due}}, nil
		},
	},
	{
		sql: `SELECT c.incarnation IS NOT DISTINCT FROM ` + eventstore.IncarnationSQL + `
			FROM saga_cursor c
			WHERE c.shard = $1 FOR UPDATE OF c SKIP LOCKED`,
		params: []uint32{smallint}, columns: []column{{"?column?", boolean}},
		run: func(x *execution) ([][]any, error) {
			if !x.free(sagaCursor) {
				return nil, nil
			}
			err := x.lock(sagaCursor)
			return [][]any{{x.tx.view().followed.incarnation == x.tx.view().incarnation}}, err
		},
	},
	{
		sql: `SELECT saga_position()`, columns: []column{{"saga_position", bigint}},
		run: func(x *execution) ([][]any, error) { return [][]any{{x.tx.view().followed.position()}}, nil },
	},
	{
		sql:    `DELETE FROM saga_positions WHERE shard = $1 AND position = $2`,
		params: []uint32{smallint, bigint},
		run: func(x *execution) ([][]any, error) {
			from := arg[int64](x, 2)
			if err := x.lock(positionLock(from)); err != nil {
				return nil, err
			}
			x.tx.change(func(s *state) { edit(&s.followed.positions, func(m map[int64]bool) { delete(m, from) }) })
			return nil, nil
		},
	},
	{
		sql:    `INSERT INTO saga_positions (shard, position) VALUES ($1, $2)`,
		params: []uint32{smallint, bigint},
		run: func(x *execution) ([][]any, error) {
			to := arg[int64](x, 2)
			if err := x.lock(positionLock(to)); err != nil {
				return nil, err
			}
			if x.tx.view().followed.positions[to] {
				return nil, errDuplicate
			}
			x.tx.change(func(s *state) { edit(&s.followed.positions, func(m map[int64]bool) { m[to] = true }) })
			return nil, nil
		},
	},
	{
		sql: `DELETE FROM deadlines`,
		run: func(x *execution) ([][]any, error) {
			for id := range x.tx.view().followed.deadlines {
				if err := x.lock(id.lock()); err != nil {
					return nil, err
				}
			}
			x.tx.change(func(s *state) { s.followed.deadlines = nil })
			return nil, nil
		},
	},
	{sql: `DELETE FROM saga_events`, run: func(x *execution) ([][]any, error) {
		x.tx.change(func(s *state) { s.followed.events = nil })
		return nil, nil
	}},
	{sql: `DELETE FROM saga_aside`, run: func(*execution) ([][]any, error) { return nil, nil }}, // no stream waits: each build knows all domain events
	{sql: `DELETE FROM saga_positions`, run: func(x *execution) ([][]any, error) {
		x.tx.change(func(s *state) { s.followed.positions = nil })
		return nil, nil
	}},
	{
		sql:    `UPDATE saga_cursor SET incarnation = $2::uuid, complete_at = $3 WHERE shard = $1`,
		params: []uint32{smallint, uuidOID, bigint},
		run: func(x *execution) ([][]any, error) {
			incarnation, at := argUUID(x, 2), arg[int64](x, 3)
			x.tx.change(func(s *state) { s.followed.incarnation, s.followed.completeAt = incarnation, at })
			return nil, nil
		},
	},
	{
		sql: `SELECT FROM deadlines d JOIN unnest($1::text[], $2::text[]) AS changed(kind, id) USING (kind, id)
			ORDER BY kind, id FOR UPDATE OF d`,
		params: []uint32{texts, texts},
		run: func(x *execution) ([][]any, error) {
			ids := argDeadlines(x)
			slices.SortFunc(ids, func(a, b deadlineID) int { return cmp.Or(cmp.Compare(a.kind, b.kind), cmp.Compare(a.id, b.id)) })
			return nil, x.lockDeadlines(ids)
		},
	},
	{
		sql: `DELETE FROM deadlines USING unnest($1::text[], $2::text[]) AS ended(kind, id)
			WHERE deadlines.kind = ended.kind AND deadlines.id = ended.id`,
		params: []uint32{texts, texts},
		run: func(x *execution) ([][]any, error) {
			ids := argDeadlines(x)
			if err := x.lockDeadlines(ids); err != nil {
				return nil, err
			}
			x.editDeadlines(func(deadlines map[deadlineID]deadline) {
				for _, id := range ids {
					delete(deadlines, id)
				}
			})
			return nil, nil
		},
	},
	{
		sql: `INSERT INTO deadlines (kind, id, due_at, next_at, correlation_id, causation_id, traceparent)
			SELECT kind, id, due_at, due_at, correlation_id, causation_id, traceparent
			FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::text[], $5::text[], $6::text[])
				AS s(kind, id, due_at, correlation_id, causation_id, traceparent)
			ON CONFLICT (kind, id) DO UPDATE SET due_at = excluded.due_at, next_at = excluded.due_at, revision = deadlines.revision + 1,
				attempts = 0, last_error = NULL, failed_at = NULL,
				correlation_id = excluded.correlation_id, causation_id = excluded.causation_id, traceparent = excluded.traceparent`,
		params: []uint32{texts, texts, timestamptzs, texts, texts, texts},
		run:    setDeadlines,
	},
	{
		sql:    `SELECT event_id, version, state FROM saga_events WHERE event_id = ANY ($1) AND format = $2`,
		params: []uint32{texts, text}, columns: []column{{"event_id", text}, {"version", bigint}, {"state", jsonOID}},
		run: func(x *execution) (rows [][]any, err error) {
			for _, id := range arg[[]string](x, 1) {
				if e, ok := x.tx.view().followed.events[eventID{id, arg[string](x, 2)}]; ok {
					rows = append(rows, []any{id, e.version, json.RawMessage(e.state)})
				}
			}
			return rows, nil
		},
	},
	{
		sql: `INSERT INTO saga_events (event_id, format, version, state, folded_at)
			SELECT event_id, $4, version, state::json, clock_timestamp() FROM unnest($1::text[], $2::bigint[], $3::text[]) AS s(event_id, version, state)
			ON CONFLICT (event_id, format) DO UPDATE SET version = excluded.version, state = excluded.state, folded_at = excluded.folded_at`,
		params: []uint32{texts, bigints, texts, text},
		run: func(x *execution) ([][]any, error) {
			ids, versions, states, format := arg[[]string](x, 1), arg[[]int64](x, 2), arg[[]string](x, 3), arg[string](x, 4)
			for _, id := range ids {
				if err := x.lock("saga event " + id); err != nil {
					return nil, err
				}
			}
			x.tx.change(func(s *state) {
				edit(&s.followed.events, func(events map[eventID]eventRow) {
					for i, id := range ids {
						events[eventID{id, format}] = eventRow{versions[i], states[i]}
					}
				})
			})
			return nil, nil
		},
	},
	{
		sql:    `DELETE FROM saga_events WHERE event_id = ANY ($1) AND format <> $2 AND folded_at < clock_timestamp() - interval '1 day'`,
		params: []uint32{texts, text},
		run:    func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql:    `SELECT stream_id FROM saga_aside WHERE stream_id = ANY ($1)`,
		params: []uint32{texts}, columns: []column{{"stream_id", text}},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql:    `SELECT stream_id FROM saga_aside ORDER BY tried_at LIMIT $1`,
		params: []uint32{bigint}, columns: []column{{"stream_id", text}},
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: `WITH due AS (
				SELECT id FROM deadlines WHERE kind = $1 AND ` + dueSQL + `
					AND EXISTS (SELECT FROM saga_cursor WHERE shard = $4 AND saga_position() >= complete_at)
				ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
			)
			UPDATE deadlines SET claimed_until = clock_timestamp() + $3::interval, revision = revision + 1
			WHERE kind = $1 AND id = ANY (ARRAY(SELECT id FROM due))
			RETURNING id, due_at, ` + eventstore.NowSQL + `, revision, attempts, correlation_id, causation_id, traceparent`,
		params: []uint32{text, bigint, interval, smallint},
		columns: []column{
			{"id", text}, {"due_at", timestamptz}, {"log_time", timestamptz}, {"revision", bigint}, {"attempts", integer}, {"correlation_id", text},
			{"causation_id", text}, {"traceparent", text},
		},
		run: claimDeadlines,
	},
	{
		sql: mineSQL + `UPDATE deadlines d SET claimed_until = NULL, attempts = s.attempts,
				next_at = ` + eventstore.NowSQL + ` + s.pause * interval '1 microsecond',
				last_error = nullif(s.last_error, ''), failed_at = CASE WHEN s.failed THEN coalesce(d.failed_at, clock_timestamp()) END
			FROM unnest($2::text[], $4::bigint[], $5::integer[], $6::text[], $7::boolean[]) AS s(id, pause, attempts, last_error, failed)` +
			whereMineSQL + ` AND d.id = s.id`,
		params: []uint32{text, texts, bigints, bigints, integers, texts, booleans},
		run: func(x *execution) ([][]any, error) {
			pauses, attempts, now := arg[[]int64](x, 4), arg[[]int32](x, 5), x.now()
			return nil, x.changeMine(func(i int, d *deadline) {
				d.claimedUntil, d.attempts, d.nextAt = time.Time{}, attempts[i], now.Add(time.Duration(pauses[i])*time.Microsecond)
			})
		},
	},
	{
		sql:    mineSQL + `UPDATE deadlines d SET claimed_until = clock_timestamp() + $4::interval` + whereMineSQL,
		params: []uint32{text, texts, bigints, interval},
		run: func(x *execution) ([][]any, error) {
			until := x.now().Add(argInterval(x, 4))
			return nil, x.changeMine(func(_ int, d *deadline) { d.claimedUntil = until })
		},
	},
	{
		sql: `INSERT INTO saga_replicas (id, alive_until) VALUES ($1, clock_timestamp() + $2::interval)
			ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`,
		params: []uint32{text, interval},
		run: func(x *execution) ([][]any, error) {
			id, until := arg[string](x, 1), x.now().Add(argInterval(x, 2))
			x.tx.change(func(s *state) {
				edit(&s.followed.replicas, func(replicas map[string]time.Time) { replicas[id] = until })
			})
			return nil, nil
		},
	},
	{
		sql: `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
				SELECT id FROM river_job j WHERE state = 'running' AND NOT EXISTS (
					SELECT FROM saga_replicas r WHERE r.id = j.attempted_by[array_upper(j.attempted_by, 1)] AND r.alive_until >= clock_timestamp()
				) FOR UPDATE SKIP LOCKED
			)`,
		run: func(x *execution) ([][]any, error) {
			return nil, x.returnJobs(func(by string, _ job) bool { return x.tx.view().followed.replicas[by].Before(x.now()) })
		},
	},
	{
		sql: `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
				SELECT id FROM river_job WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1
					AND attempted_at < ` + eventstore.NowSQL + ` - $2::interval AND id <> ALL ($3::bigint[]) FOR UPDATE SKIP LOCKED
			)`,
		params: []uint32{text, interval, bigints},
		run: func(x *execution) ([][]any, error) {
			replica, before, known := arg[string](x, 1), x.now().Add(-argInterval(x, 2)), arg[[]int64](x, 3)
			return nil, x.returnJobs(func(by string, j job) bool {
				return by == replica && j.attemptedAt.Before(before) && !slices.Contains(known, j.id)
			})
		},
	},
	{
		sql: `DELETE FROM saga_replicas WHERE alive_until < clock_timestamp() - interval '1 day'`,
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: `INSERT INTO customer_mails (mail, id) SELECT DISTINCT * FROM unnest($1::text[], $2::text[]) AS m(mail, id)
			ORDER BY mail, id ON CONFLICT DO NOTHING RETURNING mail, id`,
		params: []uint32{texts, texts}, columns: []column{{"mail", text}, {"id", text}},
		run: requestMails,
	},
	{
		sql: `SELECT k.kind, count(*) FILTER (WHERE next_at <= ` + eventstore.NowSQL + `),
				count(*) FILTER (WHERE attempts > 0), count(failed_at), ` + ageSQL + ` - min(due_at))::float8, 0)
			FROM unnest($1::text[]) AS k(kind) LEFT JOIN (
				SELECT kind, next_at, due_at, attempts, failed_at FROM deadlines WHERE kind = ANY ($1) AND next_at <= ` + eventstore.NowSQL + `
				UNION ALL
				SELECT kind, next_at, due_at, attempts, failed_at FROM deadlines WHERE attempts > 0 AND next_at > ` + eventstore.NowSQL + `
			) AS d USING (kind) GROUP BY k.kind`,
		params: []uint32{texts}, columns: sampleColumns,
		run: func(*execution) ([][]any, error) { return nil, nil }, // for metrics only, as the next two
	},
	{
		sql: `SELECT k.kind,
				count(*) FILTER (WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= ` + eventstore.NowSQL + `),
				count(*) FILTER (WHERE state <> 'discarded' AND cardinality(errors) > 0),
				count(*) FILTER (WHERE state = 'discarded' OR cardinality(errors) >= $2),
				` + ageSQL + ` - min(created_at) FILTER (
					WHERE state <> 'discarded' AND (scheduled_at <= ` + eventstore.NowSQL + ` OR cardinality(errors) > 0)))::float8, 0)
			FROM unnest($1::text[]) AS k(kind)
				LEFT JOIN river_job j ON j.kind = k.kind AND j.state IN ('available', 'retryable', 'scheduled', 'running', 'discarded')
			GROUP BY k.kind`,
		params: []uint32{texts, integer}, columns: sampleColumns,
		run: func(*execution) ([][]any, error) { return nil, nil },
	},
	{
		sql: `SELECT saga_position(), (SELECT count(*) FROM saga_aside),
			(SELECT count(*) FROM (SELECT FROM deadlines WHERE kind = $1 LIMIT 1000000) AS held)`,
		params: []uint32{text}, columns: []column{{"saga_position", bigint}, {"count", bigint}, {"count", bigint}},
		run: func(*execution) ([][]any, error) { return [][]any{{int64(0), int64(0), int64(0)}}, nil },
	},
}

// sabotagedStatements are those of test/sabotage: without them the simulation would notice a text that it does not know, not what comes of it.
var sabotagedStatements = []statement{
	{
		sql: `SELECT c.incarnation IS NOT DISTINCT FROM ` + eventstore.IncarnationSQL + `
			FROM saga_cursor c
			WHERE c.shard = $1 FOR SHARE OF c`,
		params: []uint32{smallint}, columns: []column{{"?column?", boolean}},
		run: func(x *execution) ([][]any, error) {
			err := x.db.acquire(sagaCursor, claim{session: x.session, shared: true})
			return [][]any{{x.tx.view().followed.incarnation == x.tx.view().incarnation}}, err
		},
	},
	{
		sql: `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
				SELECT id FROM river_job WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1
					AND attempted_at < ` + eventstore.NowSQL + ` - $2::interval AND id <> ALL ($3::bigint[]) AND false FOR UPDATE SKIP LOCKED
			)`,
		params: []uint32{text, interval, bigints},
		run:    func(*execution) ([][]any, error) { return nil, nil },
	},
}

var sampleColumns = []column{{"kind", text}, {"count", bigint}, {"count", bigint}, {"count", bigint}, {"greatest", float}}

func argInterval(x *execution, i int) time.Duration {
	return time.Duration(arg[pgtype.Interval](x, i).Microseconds) * time.Microsecond
}

// argDeadlines returns the deadlines that the first two arguments name.
func argDeadlines(x *execution) (ids []deadlineID) {
	names := arg[[]string](x, 2)
	for i, kind := range arg[[]string](x, 1) {
		ids = append(ids, deadlineID{kind, names[i]})
	}
	return ids
}

// lockDeadlines locks the rows that there are.
func (x *execution) lockDeadlines(ids []deadlineID) error {
	for _, id := range ids {
		if _, ok := x.tx.view().followed.deadlines[id]; !ok {
			continue
		}
		if err := x.lock(id.lock()); err != nil {
			return err
		}
	}
	return nil
}

func (x *execution) editDeadlines(f func(map[deadlineID]deadline)) {
	x.tx.change(func(s *state) { edit(&s.followed.deadlines, f) })
}

func setDeadlines(x *execution) ([][]any, error) {
	ids, dueAt := argDeadlines(x), arg[[]time.Time](x, 3)
	correlations, causations, traces := arg[[]string](x, 4), arg[[]string](x, 5), arg[[]string](x, 6)
	for _, id := range ids {
		if err := x.lock(id.lock()); err != nil {
			return nil, err
		}
	}
	x.editDeadlines(func(deadlines map[deadlineID]deadline) {
		for i, id := range ids {
			old, exists := deadlines[id]
			d := deadline{
				dueAt: dueAt[i].UTC(), nextAt: dueAt[i].UTC(), correlationID: correlations[i], causationID: causations[i], tracing: traces[i],
				claimedUntil: old.claimedUntil, revision: old.revision,
			}
			if exists {
				d.revision++
			}
			deadlines[id] = d
		}
	})
	return nil, nil
}

func claimDeadlines(x *execution) (rows [][]any, err error) {
	kind, limit, now, until := arg[string](x, 1), arg[int](x, 2), x.now(), x.now().Add(argInterval(x, 3))
	known := x.tx.view().followed
	if known.position() < known.completeAt {
		return nil, nil
	}
	var due []deadlineID
	for id, d := range known.deadlines {
		if id.kind == kind && d.isDue(now) && x.free(id.lock()) {
			due = append(due, id)
		}
	}
	slices.SortFunc(due, func(a, b deadlineID) int {
		return cmp.Or(known.deadlines[a].nextAt.Compare(known.deadlines[b].nextAt), cmp.Compare(a.id, b.id))
	})
	due = due[:min(limit, len(due))]
	if err = x.lockDeadlines(due); err != nil {
		return nil, err
	}
	for _, id := range due {
		d := known.deadlines[id]
		rows = append(rows, []any{id.id, d.dueAt, now, d.revision + 1, d.attempts, d.correlationID, d.causationID, d.tracing})
	}
	x.editDeadlines(func(deadlines map[deadlineID]deadline) {
		for _, id := range due {
			d := deadlines[id]
			d.claimedUntil, d.revision = until, d.revision+1
			deadlines[id] = d
		}
	})
	return rows, nil
}

// changeMine changes the deadlines that were not set or claimed again since they were claimed. Their numbers in the parameters are passed on.
func (x *execution) changeMine(f func(i int, d *deadline)) error {
	kind, ids, revisions := arg[string](x, 1), arg[[]string](x, 2), arg[[]int64](x, 3)
	mine := map[deadlineID]int{}
	for i, id := range ids {
		if d, ok := x.tx.view().followed.deadlines[deadlineID{kind, id}]; ok && d.revision == revisions[i] {
			mine[deadlineID{kind, id}] = i
		}
	}
	order := slices.SortedFunc(maps.Keys(mine), func(a, b deadlineID) int { return cmp.Compare(a.id, b.id) })
	if err := x.lockDeadlines(order); err != nil {
		return err
	}
	x.editDeadlines(func(deadlines map[deadlineID]deadline) {
		for id, i := range mine {
			d := deadlines[id]
			f(i, &d)
			deadlines[id] = d
		}
	})
	return nil
}

// returnJobs returns running jobs to their queues.
func (x *execution) returnJobs(lost func(by string, j job) bool) error {
	jobs, err := x.lockJobs(true, func(j job) bool { return j.state == running && lost(j.attemptedBy[len(j.attemptedBy)-1], j) })
	for i := range jobs {
		jobs[i].state = available
	}
	x.saveJobs(jobs...)
	return err
}

func requestMails(x *execution) (rows [][]any, err error) {
	ids := arg[[]string](x, 2)
	var fresh []mailID
	for i, mail := range arg[[]string](x, 1) {
		id := mailID{mail, ids[i]}
		if err = x.lock("mail " + id.mail + " " + id.id); err != nil {
			return nil, err
		}
		if !x.tx.view().followed.mails[id] && !slices.Contains(fresh, id) {
			fresh, rows = append(fresh, id), append(rows, []any{id.mail, id.id})
		}
	}
	x.tx.change(func(s *state) {
		edit(&s.followed.mails, func(mails map[mailID]bool) {
			for _, id := range fresh {
				mails[id] = true
			}
		})
	})
	return rows, nil
}
