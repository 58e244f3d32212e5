package query_test

import (
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/internal/kafka"
	"ticketing/internal/testenv"
	"ticketing/query"
)

// progress holds the two databases that show how far projections are.
type progress struct {
	t            *testing.T
	read, events *pgxpool.Pool
}

func newProgress(t *testing.T) *progress {
	t.Helper()
	urls := testenv.Databases(t)
	p := &progress{t: t}
	for url, pool := range map[string]**pgxpool.Pool{urls.Read: &p.read, urls.Events: &p.events} {
		*pool = testenv.OpenPool(t, url)
	}
	return p
}

func (p *progress) exec(pool *pgxpool.Pool, sql string, args ...any) {
	p.t.Helper()
	_, err := pool.Exec(p.t.Context(), sql, args...)
	require.NoError(p.t, err)
}

// append adds a domain event that was recorded that many seconds ago.
func (p *progress) append(position int, stream string, version, age int) {
	p.t.Helper()
	p.exec(p.events, `INSERT INTO domain_events VALUES (0, $1, $2, $3, 'X', 1, '{}', '{}', now() - make_interval(secs => $4))`,
		position, stream, version, age)
}

func (p *progress) status(name string) query.ProjectionStatus {
	p.t.Helper()
	statuses, err := query.NewProjections(query.ProjectionsConfig{
		Read: p.read, Events: p.events, Topics: map[string]string{"event": "events", "payment": "payments"},
		Categories: map[string][]string{"events": {"event"}, "payments": {"payment"}, "sales": {"event", "payment"}},
	}).Status(p.t.Context())
	require.NoError(p.t, err)
	require.Len(p.t, statuses, 3)
	for _, s := range statuses {
		if s.Name == name {
			return s
		}
	}
	require.Fail(p.t, "no "+name)
	return query.ProjectionStatus{}
}

func TestAProjectionThatNeverRanIsBehindByTheWholeLog(t *testing.T) {
	p := newProgress(t)
	require.Equal(t, query.ProjectionStatus{Name: "events", Partitions: []query.PartitionStatus{}}, p.status("events"), "an empty log")
	p.append(1, "event-a", 1, 3600)
	p.append(2, "payment-a", 1, 60)
	s := p.status("events")
	require.EqualValues(t, 2, s.LagRecords, "unpublished domain events count for all projections")
	require.EqualValues(t, 2, s.Unpublished)
	require.InDelta(t, 3600, s.LagSeconds, 60)
}

func TestLagByPartition(t *testing.T) {
	p := newProgress(t)
	// Streams of both partitions.
	streams := [2]string{}
	for _, stream := range []string{"event-a", "event-b", "event-c", "event-d", "event-e"} {
		streams[kafka.Partition(stream, 2)] = stream
	}
	require.NotContains(t, streams, "")
	p.append(1, streams[0], 1, 5000)
	p.append(2, streams[1], 1, 4000)
	p.append(3, "payment-x", 1, 3900)
	for i := range 150 { // meanwhile partition 1 gets nothing
		p.append(4+i, streams[0], 2+i, 3000)
	}
	p.append(154, streams[1], 2, 20)
	p.append(155, "payment-x", 2, 10)
	p.append(156, "payment-x", 3, 5)
	p.exec(p.events, `INSERT INTO relay_cursor VALUES (0, gen_random_uuid(), 155)`)
	p.exec(p.events, `INSERT INTO relay_partitions VALUES ('events', 0, 150, 153, NULL, 0), ('events', 1, 1, 154, NULL, 0), ('payments', 0, 1, 155, NULL, 0)`)
	p.exec(p.read, `INSERT INTO projections VALUES ('events', 3, 'i')`)
	p.exec(p.read, `INSERT INTO projection_checkpoints VALUES ('events', 'events', 0, 141, 143, 'i', 3), ('events', 'events', 1, 1, 2, 'i', 3)`)
	p.exec(p.read, `INSERT INTO projection_dead_letters VALUES ('events', 'event-z', 1, 1, 1, 'X', 'no')`)

	s := p.status("events")
	require.EqualValues(t, 3, s.Generation)
	require.Equal(t, 1, s.DeadLetters)
	require.EqualValues(t, 1, s.Unpublished)
	require.EqualValues(t, 12, s.LagRecords)
	require.InDelta(t, 3000, s.LagSeconds, 60)
	require.Len(t, s.Partitions, 2)
	busy, quiet := s.Partitions[0], s.Partitions[1]
	require.Equal(t, "events", busy.Topic)
	require.EqualValues(t, 143, busy.Position)
	require.EqualValues(t, 10, busy.LagRecords)
	require.InDelta(t, 3000, busy.LagSeconds, 60)
	require.EqualValues(t, 1, quiet.Partition)
	require.EqualValues(t, 1, quiet.LagRecords)
	require.InDelta(t, 20, quiet.LagSeconds, 60, "a record after a long silence is not old")

	sales := p.status("sales")
	require.Len(t, sales.Partitions, 3, "those of both topics")
	require.EqualValues(t, 1+151+2+2, sales.LagRecords)
	require.InDelta(t, 3900, sales.Partitions[2].LagSeconds, 60)
}

func TestAppliedRecordsAreNoLag(t *testing.T) {
	p := newProgress(t)
	p.append(1, "event-a", 1, 5000)
	p.exec(p.events, `INSERT INTO relay_cursor VALUES (0, gen_random_uuid(), 1)`)
	p.exec(p.events, `INSERT INTO relay_partitions VALUES ('events', 0, 0, 1, NULL, 0)`)
	p.exec(p.read, `INSERT INTO projections VALUES ('events', 1, 'i')`)
	p.exec(p.read, `INSERT INTO projection_checkpoints VALUES ('events', 'events', 0, 1, 1, 'i', 1)`)
	s := p.status("events")
	require.Zero(t, s.LagRecords)
	require.Zero(t, s.LagSeconds)

	// Another topic of the same name that ends where the projection has read up to: nothing of it is applied.
	p.exec(p.events, `UPDATE relay_partitions SET last_position = 9`)
	require.EqualValues(t, 1, p.status("events").LagRecords)
	p.exec(p.read, `UPDATE projection_checkpoints SET next_offset = 5`)
	require.EqualValues(t, 1, p.status("events").LagRecords)
	// The projection has read a record that the relay has not saved yet.
	p.exec(p.read, `UPDATE projection_checkpoints SET position = 10`)
	require.Zero(t, p.status("events").LagRecords)
}
