package simulation

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivertype"
	"github.com/stretchr/testify/require"

	"ticketing/internal/testenv"
)

// River's statements do in the simulation what they do in PostgreSQL, and have the types that they have there.
func TestRiversStatementsAreAsPostgreSQLHasThem(t *testing.T) {
	t.Parallel()
	pool, err := pgxpool.New(t.Context(), testenv.EventsDatabase(t))
	require.NoError(t, err)
	defer pool.Close()
	sent := &sentTexts{}
	config := pool.Config()
	config.ConnConfig.Tracer = sent
	traced, err := pgxpool.NewWithConfig(t.Context(), config)
	require.NoError(t, err)
	defer traced.Close()
	actual := playRiver(t.Context(), traced)
	var simulated []string
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(1)
		db := w.addDatabase("log", newState("6f1a3f0e-54a5-4d0f-9d39-7a4f1f0f7c10"), riverStatements)
		go w.schedule()
		config := poolConfig().Copy()
		config.ConnConfig.DialFunc = func(context.Context, string, string) (net.Conn, error) { return db.open(nil), nil }
		pool, err := pgxpool.NewWithConfig(t.Context(), config)
		require.NoError(t, err)
		simulated = playRiver(t.Context(), pool)
		pool.Close()
		close(w.ended)
		<-w.finished
		require.Empty(t, w.violations)
	})
	require.Equal(t, actual, simulated)
	requireRiverTypes(t, pool, sent.byText)
}

// requireRiverTypes requires that each statement was sent, and has these types in PostgreSQL.
func requireRiverTypes(t *testing.T, pool *pgxpool.Pool, sent map[string]string) {
	t.Helper()
	conn, err := pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	for _, st := range riverStatements {
		if strings.HasPrefix(st.sql, "SELECT") {
			continue
		}
		require.Contains(t, sent, st.sql)
		prepared, err := conn.Conn().Prepare(t.Context(), st.sql, sent[st.sql])
		require.NoError(t, err)
		requireDescription(t, st, prepared)
	}
}

// sentTexts keeps what a client sends, by the name that the simulation has for it.
type sentTexts struct{ byText map[string]string }

// TraceQueryStart is part of pgx.QueryTracer.
func (s *sentTexts) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	if s.byText == nil {
		s.byText = map[string]string{}
	}
	s.byText[riverText(data.SQL)] = data.SQL
	return ctx
}

// TraceQueryEnd is part of pgx.QueryTracer.
func (*sentTexts) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// riverPlay sends River's statements, and notes their results.
type riverPlay struct {
	riverdriver.Executor

	lines []string
}

// noon is the time of all that the play sends.
var noon = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

func playRiver(ctx context.Context, pool *pgxpool.Pool) []string {
	p := &riverPlay{Executor: riverpgxv5.New(pool).GetExecutor()}
	p.insert(ctx, "first", "a", noon, rivertype.JobStateAvailable)
	p.insert(ctx, "second", "b", noon, rivertype.JobStateAvailable)
	p.insert(ctx, "again", "a", noon, rivertype.JobStateAvailable)
	p.insert(ctx, "later", "c", noon.Add(time.Minute), rivertype.JobStateScheduled)
	p.insert(ctx, "without", "", noon, rivertype.JobStateAvailable)
	p.take(ctx, "x", 2)
	p.take(ctx, "y", 2)
	p.set(ctx, 1, rivertype.JobStateCompleted, nil)
	p.set(ctx, 1, rivertype.JobStateAvailable, nil) // is not running
	p.set(ctx, 2, rivertype.JobStateRetryable, []byte(`{"error":"no"}`))
	p.insert(ctx, "anew", "a", noon, rivertype.JobStateAvailable)
	p.insert(ctx, "waits", "b", noon, rivertype.JobStateAvailable)
	p.schedule(ctx, noon)
	p.schedule(ctx, noon.Add(time.Hour))
	p.take(ctx, "x", 10)
	stuck, err := p.JobGetStuck(ctx, &riverdriver.JobGetStuckParams{Max: 10, StuckHorizon: noon.Add(time.Second)})
	p.noteJobs("stuck", withoutIDs(stuck), err)
	p.lead(ctx)
	p.playQueues(ctx)
	return p.lines
}

func (p *riverPlay) note(what string, result any, err error) {
	if errors.Is(err, rivertype.ErrNotFound) {
		result, err = "none", nil
	}
	p.lines = append(p.lines, fmt.Sprint(what, ": ", result, " ", err))
}

func (p *riverPlay) noteJobs(what string, jobs []*rivertype.JobRow, err error) {
	lines := []string{}
	for _, j := range jobs {
		lines = append(lines, describeJob(j))
	}
	p.note(what, strings.Join(lines, "; "), err)
}

func describeJob(j *rivertype.JobRow) string {
	finalized, attempted := time.Time{}, time.Time{}
	if j.FinalizedAt != nil {
		finalized = j.FinalizedAt.UTC()
	}
	if j.AttemptedAt != nil {
		attempted = j.AttemptedAt.UTC()
	}
	return fmt.Sprint(j.ID, j.State, j.Attempt, j.AttemptedBy, attempted, finalized, j.ScheduledAt.UTC(), len(j.Errors), j.Kind, j.Queue, j.Priority,
		strings.ReplaceAll(string(j.Metadata), " ", ""), string(j.UniqueKey), j.UniqueStates)
}

func (p *riverPlay) insert(ctx context.Context, kind, key string, at time.Time, s rivertype.JobState) {
	j := &riverdriver.JobInsertFastParams{
		CreatedAt: &noon, ScheduledAt: &at, Kind: kind, MaxAttempts: 3, Priority: 1, Queue: "q", State: s, EncodedArgs: []byte(`{}`), Metadata: []byte(`{"by":"me"}`),
	}
	if key != "" {
		j.UniqueKey = []byte(key)
		for _, live := range []string{available, "pending", "retryable", running, "scheduled"} {
			j.UniqueStates |= stateBits[live]
		}
	}
	inserted, err := p.JobInsertFastMany(ctx, &riverdriver.JobInsertFastManyParams{Jobs: []*riverdriver.JobInsertFastParams{j}})
	for _, one := range inserted { // a sequence goes on when nothing is inserted, too
		one.Job.ID = 0
		p.note("insert "+kind, fmt.Sprint(one.UniqueSkippedAsDuplicate, describeJob(one.Job)), err)
	}
}

func (p *riverPlay) take(ctx context.Context, client string, most int) {
	taken, err := p.JobGetAvailable(ctx, &riverdriver.JobGetAvailableParams{
		ClientID: client, MaxAttemptedBy: 10, MaxToLock: most, Now: &noon, Queue: "q",
	})
	p.noteJobs("take", withoutIDs(taken.Jobs), err)
}

func withoutIDs(jobs []*rivertype.JobRow) []*rivertype.JobRow {
	for _, j := range jobs {
		if j.ID > 2 {
			j.ID = 0
		}
	}
	return jobs
}

func (p *riverPlay) set(ctx context.Context, id int64, s rivertype.JobState, failure []byte) {
	params := &riverdriver.JobSetStateIfRunningManyParams{
		ID: []int64{id}, Attempt: []*int{nil}, ErrData: [][]byte{failure}, FinalizedAt: []*time.Time{nil}, MetadataDoMerge: []bool{true},
		MetadataUpdates: [][]byte{[]byte(`{"snoozes":1}`)}, ScheduledAt: []*time.Time{nil}, State: []rivertype.JobState{s},
	}
	if s == rivertype.JobStateCompleted {
		params.FinalizedAt[0] = &noon
	}
	jobs, err := p.JobSetStateIfRunningMany(ctx, params)
	p.noteJobs("set "+string(s), jobs, err)
}

func (p *riverPlay) schedule(ctx context.Context, now time.Time) {
	scheduled, err := p.JobSchedule(ctx, &riverdriver.JobScheduleParams{Max: 10, Now: &now})
	p.note("schedule", len(scheduled), err)
	for _, one := range scheduled {
		one.Job.ID = 0
		p.note("scheduled", fmt.Sprint(one.ConflictDiscarded, describeJob(&one.Job)), nil)
	}
}

func (p *riverPlay) lead(ctx context.Context) {
	later := noon.Add(time.Hour)
	for _, id := range []string{"x", "y"} {
		elected, err := p.LeaderAttemptElect(ctx, &riverdriver.LeaderElectParams{LeaderID: id, Now: &noon, TTL: time.Minute})
		p.note("elect "+id, elected != nil, err)
		again, err := p.LeaderAttemptReelect(ctx, &riverdriver.LeaderReelectParams{ElectedAt: noon, LeaderID: id, Now: &noon, TTL: time.Minute})
		p.note("again "+id, again != nil, err)
		again, err = p.LeaderAttemptReelect(ctx, &riverdriver.LeaderReelectParams{ElectedAt: noon, LeaderID: id, Now: &later, TTL: time.Minute})
		p.note("too late "+id, again != nil, err)
	}
	for _, id := range []string{"y", "x", "x"} {
		resigned, err := p.LeaderResign(ctx, &riverdriver.LeaderResignParams{ElectedAt: noon, LeaderID: id, LeadershipTopic: "topic"})
		p.note("resign "+id, resigned, err)
	}
	_, err := p.LeaderAttemptElect(ctx, &riverdriver.LeaderElectParams{LeaderID: "z", Now: &noon, TTL: time.Minute})
	p.note("elect z", "", err)
	for _, now := range []time.Time{noon, later} {
		expired, err := p.LeaderDeleteExpired(ctx, &riverdriver.LeaderDeleteExpiredParams{Now: &now})
		p.note("expired", expired, err)
	}
}

func (p *riverPlay) playQueues(ctx context.Context) {
	for _, at := range []time.Time{noon, noon.Add(time.Minute)} {
		q, err := p.QueueCreateOrSetUpdatedAt(ctx, &riverdriver.QueueCreateOrSetUpdatedAtParams{Name: "q", Now: &at})
		p.note("queue", fmt.Sprint(q.CreatedAt.UTC(), q.UpdatedAt.UTC(), string(q.Metadata), q.PausedAt), err)
	}
	for _, name := range []string{"q", "another"} {
		q, err := p.QueueGet(ctx, &riverdriver.QueueGetParams{Name: name})
		p.note("queue "+name, q != nil, err)
	}
	names, err := p.QueueDeleteExpired(ctx, &riverdriver.QueueDeleteExpiredParams{Max: 10, UpdatedAtHorizon: noon})
	p.note("expired queues", len(names), err)
	ids, err := p.JobGetCancelRequested(ctx, &riverdriver.JobGetCancelRequestedParams{ID: []int64{1, 2}})
	p.note("cancelled", len(ids), err)
	deleted, err := p.JobDeleteBefore(ctx, &riverdriver.JobDeleteBeforeParams{CompletedDoDelete: true, CompletedFinalizedAtHorizon: noon.Add(-time.Hour), Max: 10})
	p.note("deleted", deleted, err)
	p.note("notify", "", p.NotifyMany(ctx, &riverdriver.NotifyManyParams{Topic: "topic", Payload: []string{"{}"}}))
}
