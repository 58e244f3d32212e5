package simulation

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// queue is what the log's database holds of River.
type queue struct {
	jobs   map[int64]job
	queues map[string]workQueue
	leader *leader
}

type job struct { //nolint:recvcheck // a row; only setState changes one
	id                       int64
	state                    string
	attempt, most, priority  int16
	args, metadata           []byte
	kind, queue              string
	attemptedBy, tags        []string
	errors                   [][]byte
	createdAt, scheduledAt   time.Time
	attemptedAt, finalizedAt *time.Time
	uniqueKey                []byte
	uniqueStates             byte
}

type workQueue struct {
	metadata             []byte
	createdAt, updatedAt time.Time
}

type leader struct {
	id                 string
	electedAt, expires time.Time
}

const (
	leaderLock = "River's leader"
	running    = "running"
	available  = "available"
)

// stateBits are the places of a state in unique_states.
var stateBits = map[string]byte{
	available: 1, "cancelled": 1 << 1, "completed": 1 << 2, "discarded": 1 << 3, "pending": 1 << 4, "retryable": 1 << 5, running: 1 << 6, "scheduled": 1 << 7,
}

func (j job) lock() string { return fmt.Sprint("job ", j.id) }

// keepsOthers reports whether the job keeps others with its unique key from being made.
func (j job) keepsOthers() bool {
	return len(j.uniqueKey) > 0 && j.uniqueStates&stateBits[j.state] != 0
}

func (j job) row() []any {
	return []any{
		j.id, json.RawMessage(j.args), j.attempt, j.attemptedAt, j.attemptedBy, j.createdAt, j.errors, j.finalizedAt, j.kind, j.most,
		json.RawMessage(j.metadata), j.priority, j.queue, j.state, j.scheduledAt, j.tags, j.uniqueKey,
		pgtype.Bits{Bytes: []byte{j.uniqueStates}, Len: 8, Valid: j.uniqueStates != 0},
	}
}

// waits reports whether a job may be worked on.
func (q queue) waits() bool {
	for _, j := range q.jobs {
		if j.state == available {
			return true
		}
	}
	return false
}

// edit has f change a copy of a map.
func edit[K comparable, V any](m *map[K]V, f func(map[K]V)) {
	next := maps.Clone(*m)
	if next == nil {
		next = map[K]V{}
	}
	f(next)
	*m = next
}

// saveJobs writes jobs.
func (x *execution) saveJobs(changed ...job) {
	if len(changed) == 0 {
		return
	}
	x.affected = len(changed)
	x.tx.change(func(s *state) {
		edit(&s.queue.jobs, func(jobs map[int64]job) {
			for _, j := range changed {
				jobs[j.id] = j
			}
		})
	})
}

// free reports whether no other session has or awaits a lock.
func (x *execution) free(key string) bool {
	l := x.db.locks[key]
	return l == nil || l.grantable(claim{session: x.session})
}

// lockJobs locks jobs that are wanted, in the order of their ids, and returns them. Those that are locked already it skips, or waits for.
func (x *execution) lockJobs(skip bool, wanted func(job) bool) (found []job, err error) {
	jobs := x.tx.view().queue.jobs
	for _, id := range slices.Sorted(maps.Keys(jobs)) {
		j := jobs[id]
		if !wanted(j) || skip && !x.free(j.lock()) {
			continue
		}
		if err = x.lock(j.lock()); err != nil {
			return nil, err
		}
		found = append(found, j)
	}
	return found, nil
}

// argNow returns the time that an argument has, or that of the database.
func argNow(x *execution, i int) time.Time {
	if now := arg[*time.Time](x, i); now != nil {
		return now.UTC()
	}
	return x.now()
}

func rowsOf(jobs []job) (rows [][]any) {
	for _, j := range jobs {
		rows = append(rows, j.row())
	}
	return rows
}

var (
	jobColumns = []column{
		{"id", bigint}, {"args", jsonbOID}, {"attempt", smallint}, {"attempted_at", timestamptz}, {"attempted_by", texts}, {"created_at", timestamptz},
		{"errors", jsonbs}, {"finalized_at", timestamptz}, {"kind", text}, {"max_attempts", smallint}, {"metadata", jsonbOID}, {"priority", smallint},
		{"queue", text}, {"state", jobState}, {"scheduled_at", timestamptz}, {"tags", varchars}, {"unique_key", bytea}, {"unique_states", bit},
	}
	leaderColumns = []column{{"elected_at", timestamptz}, {"expires_at", timestamptz}, {"leader_id", text}, {"name", text}}
	queueColumns  = []column{
		{"name", text}, {"created_at", timestamptz}, {"metadata", jsonbOID}, {"paused_at", timestamptz}, {"updated_at", timestamptz},
	}
)

// riverStatements are those that River sends. Their texts are its own: each is named as there, with a sum of its text.
var riverStatements = []statement{
	{
		sql: "SELECT 1", columns: []column{{"?column?", integer}},
		run: func(*execution) ([][]any, error) { return [][]any{{int32(1)}}, nil },
	},
	{
		sql:     "PGGetProductAndVersion f740c1d0",
		columns: []column{{"product", text}, {"version_num", integer}, {"yb_listen_notify_enabled", boolean}},
		run:     func(*execution) ([][]any, error) { return [][]any{{"PostgreSQL", int32(170_000), false}}, nil },
	},
	{
		sql: "PGNotifyMany 5de43b72", params: []uint32{text, text, texts}, columns: []column{{"pg_notify", voidOID}},
		run: func(x *execution) ([][]any, error) { return make([][]any, len(arg[[]string](x, 3))), nil },
	},
	{
		sql: "QueueCreateOrSetUpdatedAt a9669903", params: []uint32{timestamptz, jsonbOID, text, timestamptz, timestamptz}, columns: queueColumns,
		run: func(x *execution) ([][]any, error) {
			name, now := arg[string](x, 3), argNow(x, 1)
			if err := x.lock("queue " + name); err != nil {
				return nil, err
			}
			q, ok := x.tx.view().queue.queues[name]
			if !ok {
				q = workQueue{metadata: []byte(cmp.Or(string(arg[[]byte](x, 2)), "{}")), createdAt: now}
			}
			q.updatedAt = now
			x.tx.change(func(s *state) { edit(&s.queue.queues, func(queues map[string]workQueue) { queues[name] = q }) })
			return [][]any{{name, q.createdAt, json.RawMessage(q.metadata), nil, q.updatedAt}}, nil
		},
	},
	{
		sql: "QueueGet 2fa0f8c8", params: []uint32{text}, columns: queueColumns,
		run: func(x *execution) ([][]any, error) {
			name := arg[string](x, 1)
			q, ok := x.tx.view().queue.queues[name]
			if !ok {
				return nil, nil
			}
			return [][]any{{name, q.createdAt, json.RawMessage(q.metadata), nil, q.updatedAt}}, nil
		},
	},
	{
		sql: "QueueDeleteExpired 99b3ddf5", params: []uint32{timestamptz, bigint}, columns: queueColumns,
		run: func(*execution) ([][]any, error) { return nil, nil }, // a run is shorter
	},
	{
		sql: "LeaderDeleteExpired be1498ca", params: []uint32{timestamptz},
		run: func(x *execution) ([][]any, error) {
			l, err := lockLeader(x)
			if err == nil && l != nil && l.expires.Before(argNow(x, 1)) {
				x.affected = 1
				x.tx.change(func(s *state) { s.queue.leader = nil })
			}
			return nil, err
		},
	},
	{
		sql: "LeaderAttemptElect 6a2b236b", params: []uint32{text, timestamptz, float}, columns: leaderColumns,
		run: func(x *execution) ([][]any, error) {
			if l, err := lockLeader(x); l != nil || err != nil {
				return nil, err
			}
			now := argNow(x, 2)
			return electLeader(x, leader{id: arg[string](x, 1), electedAt: now, expires: now.Add(argSeconds(x, 3))}), nil
		},
	},
	{
		sql: "LeaderAttemptReelect aa1d4dc9", params: []uint32{timestamptz, float, timestamptz, text}, columns: leaderColumns,
		run: func(x *execution) ([][]any, error) {
			l, err := lockLeader(x)
			now := argNow(x, 1)
			if err != nil || l == nil || l.expires.Before(now) || l.id != arg[string](x, 4) || !l.electedAt.Equal(arg[time.Time](x, 3)) {
				return nil, err
			}
			return electLeader(x, leader{id: l.id, electedAt: l.electedAt, expires: now.Add(argSeconds(x, 2))}), nil
		},
	},
	{
		sql: "LeaderResign 5a9eb9ac", params: []uint32{timestamptz, text, boolean, text, text},
		run: func(x *execution) ([][]any, error) {
			l, err := lockLeader(x)
			if err == nil && l != nil && l.id == arg[string](x, 2) && l.electedAt.Equal(arg[time.Time](x, 1)) {
				x.affected = 1
				x.tx.change(func(s *state) { s.queue.leader = nil })
			}
			return nil, err
		},
	},
	{
		sql: "JobInsertFastMany 39bd8436",
		params: []uint32{
			bigints, jsonbs, timestamptzs, texts, smallints, jsonbs, smallints, texts, timestamptzs, texts, texts, byteas, integers,
		},
		columns: append(slices.Clip(jobColumns), column{"unique_skipped_as_duplicate", boolean}),
		run:     insertJobs,
	},
	{
		sql: "JobGetAvailable 01f74df8", params: []uint32{timestamptz, integer, text, text, texts, integer}, columns: jobColumns,
		run: takeJobs,
	},
	{
		sql: "JobSetStateIfRunningMany 288f6891",
		params: []uint32{
			bigints, booleans, integers, booleans, jsonbs, booleans, timestamptzs, booleans, jsonbs, booleans, timestamptzs, texts, timestamptz,
		},
		columns: jobColumns,
		run:     setJobs,
	},
	{
		sql: "JobSchedule cfecdca7", params: []uint32{timestamptz, bigint}, columns: append(slices.Clip(jobColumns), column{"conflict_discarded", boolean}),
		run: func(x *execution) (rows [][]any, err error) {
			now := argNow(x, 1)
			due, err := x.lockJobs(false, func(j job) bool {
				return (j.state == "retryable" || j.state == "scheduled") && !j.scheduledAt.After(now)
			})
			for i := range due { // of one unique key there is one
				rows = append(rows, append(due[i].row(), false)) // as it was: PostgreSQL reads it before
				due[i].state = available
			}
			x.saveJobs(due...)
			return rows, err
		},
	},
	{
		sql: "JobGetStuck 1908f7f4", params: []uint32{bigint, timestamptz, bigint}, columns: jobColumns,
		run: func(x *execution) (rows [][]any, err error) {
			jobs := x.tx.view().queue.jobs
			for _, id := range slices.Sorted(maps.Keys(jobs)) {
				if j := jobs[id]; j.state == running && j.attemptedAt.Before(arg[time.Time](x, 2)) && id > arg[int64](x, 1) {
					rows = append(rows, j.row())
				}
			}
			return rows, nil
		},
	},
	{
		sql: "JobGetCancelRequested ee400b33", params: []uint32{bigints}, columns: []column{{"id", bigint}},
		run: func(*execution) ([][]any, error) { return nil, nil }, // nothing cancels jobs
	},
	{
		sql:    "JobDeleteBefore 9d5c9422",
		params: []uint32{boolean, timestamptz, boolean, timestamptz, boolean, timestamptz, texts, texts, bigint},
		run:    func(*execution) ([][]any, error) { return nil, nil }, // a run is shorter
	},
}

func lockLeader(x *execution) (*leader, error) {
	err := x.lock(leaderLock)
	return x.tx.view().queue.leader, err
}

func electLeader(x *execution, l leader) [][]any {
	x.tx.change(func(s *state) { s.queue.leader = &l })
	return [][]any{{l.electedAt, l.expires, l.id, "default"}}
}

func argSeconds(x *execution, i int) time.Duration {
	return time.Duration(arg[float64](x, i) * float64(time.Second))
}

var errTwice = &refusal{"21000", "ON CONFLICT DO UPDATE command cannot affect row a second time"}

// insertJobs makes jobs, except those whose unique key another one has that has not ended.
func insertJobs(x *execution) (rows [][]any, err error) {
	args, createdAt, kinds, most := arg[[][]byte](x, 2), arg[[]time.Time](x, 3), arg[[]string](x, 4), arg[[]int16](x, 5)
	metadata, priorities, queues, scheduledAt := arg[[][]byte](x, 6), arg[[]int16](x, 7), arg[[]string](x, 8), arg[[]time.Time](x, 9)
	states, keys, uniqueStates := arg[[]string](x, 10), arg[[][]byte](x, 12), arg[[]int32](x, 13)
	var added []job
	for i := range kinds {
		j := job{
			state: states[i], most: most[i], priority: priorities[i], args: args[i], metadata: metadata[i], kind: kinds[i], queue: queues[i], tags: []string{},
			createdAt: createdAt[i].UTC(), scheduledAt: scheduledAt[i].UTC(), uniqueKey: keys[i], uniqueStates: byte(uniqueStates[i]),
		}
		sameKey := func(other job) bool { return other.keepsOthers() && string(other.uniqueKey) == string(j.uniqueKey) }
		if j.keepsOthers() {
			if err = x.lock("unique job " + string(j.uniqueKey)); err != nil {
				return nil, err
			}
		}
		if slices.ContainsFunc(added, sameKey) {
			return nil, errTwice
		}
		var known []job
		if known, err = x.lockJobs(false, sameKey); err != nil {
			return nil, err
		}
		if len(known) > 0 {
			rows = append(rows, append(known[0].row(), true))
			continue
		}
		x.db.jobs++ // a sequence belongs to no transaction
		j.id = x.db.jobs
		added, rows = append(added, j), append(rows, append(j.row(), false))
	}
	x.saveJobs(added...)
	return rows, nil
}

// takeJobs has the client work on jobs of a queue.
func takeJobs(x *execution) ([][]any, error) {
	now, client, name, limit := argNow(x, 1), arg[string](x, 3), arg[string](x, 4), int(arg[int32](x, 6))
	var due []job
	for _, j := range x.tx.view().queue.jobs {
		if j.state == available && j.queue == name && !j.scheduledAt.After(now) && x.free(j.lock()) {
			due = append(due, j)
		}
	}
	slices.SortFunc(due, func(a, b job) int {
		return cmp.Or(cmp.Compare(a.priority, b.priority), a.scheduledAt.Compare(b.scheduledAt), cmp.Compare(a.id, b.id))
	})
	due = due[:min(limit, len(due))]
	for i := range due {
		if err := x.lock(due[i].lock()); err != nil {
			return nil, err
		}
		due[i].state, due[i].attemptedAt, due[i].attemptedBy = running, &now, append(slices.Clip(due[i].attemptedBy), client)
		due[i].attempt++
	}
	x.saveJobs(due...)
	return rowsOf(due), nil
}

// setJobs records what became of jobs, of those that are running.
func setJobs(x *execution) ([][]any, error) {
	ids := arg[[]int64](x, 1)
	jobs, err := x.lockJobs(false, func(j job) bool { return slices.Contains(ids, j.id) })
	if err != nil {
		return nil, err
	}
	var changed []job
	for n := range jobs {
		j, i := &jobs[n], slices.Index(ids, jobs[n].id)
		if merged := arg[[][]byte](x, 9)[i]; arg[[]bool](x, 8)[i] {
			j.metadata = mergeJSON(j.metadata, merged)
		}
		if j.state == running {
			j.setState(x, i)
		}
		changed = append(changed, *j)
	}
	x.saveJobs(changed...)
	return rowsOf(jobs), nil
}

// setState changes a job as the parameters at i say.
func (j *job) setState(x *execution, i int) {
	if arg[[]bool](x, 2)[i] {
		j.attempt = int16(arg[[]int32](x, 3)[i])
	}
	if arg[[]bool](x, 4)[i] {
		j.errors = append(slices.Clip(j.errors), arg[[][]byte](x, 5)[i])
	}
	if arg[[]bool](x, 6)[i] {
		at := arg[[]time.Time](x, 7)[i].UTC()
		j.finalizedAt = &at
	}
	if arg[[]bool](x, 10)[i] {
		j.scheduledAt = arg[[]time.Time](x, 11)[i].UTC()
	}
	j.state = arg[[]string](x, 12)[i]
}

func mergeJSON(a, b []byte) []byte {
	merged := map[string]json.RawMessage{}
	_, _ = json.Unmarshal(a, &merged), json.Unmarshal(b, &merged)
	encoded, err := json.Marshal(merged)
	if err != nil {
		panic(err)
	}
	return encoded
}
