package projector

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/inventory"
)

// shape describes a table as later migrations rely on it.
func (w *world) shape(table string) []string {
	w.t.Helper()
	rows, err := w.cfg.Read.Query(w.t.Context(), `
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1
		UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass
		UNION ALL SELECT attname || ' ' || atttypid::regtype || attnotnull || attcollation FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0
		ORDER BY 1`, table)
	require.NoError(w.t, err)
	shape, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(w.t, err)
	require.NotEmpty(w.t, shape)
	return shape
}

func TestRebuildMakesTheSameTablesWithRightRows(t *testing.T) {
	w := newWorld(t)
	for name, p := range projections {
		before := map[string][]string{}
		for _, table := range p.Tables() {
			before[table] = w.shape(table)
		}
		require.NoError(t, Rebuild(t.Context(), w.cfg, name))
		for _, table := range p.Tables() {
			require.Equal(t, before[table], w.shape(table), table)
		}
	}
	w.log.Append(t, "inventory-evt_1", append(stocked(), inventory.SeatsReserved{Items: standing(5)})...)
	w.log.AppendRaw(t, "inventory-evt_2", "Gibberish", 1, `{}`)
	w.project("availability", w.records(inventory.Category)...)
	_, err := w.cfg.Read.Exec(t.Context(), `UPDATE sections SET available = available - 1, sold = sold + 1`)
	require.NoError(t, err)

	old := w.writer("availability")
	require.NoError(t, Rebuild(t.Context(), w.cfg, "availability"))
	require.Equal(t, 95, w.inventory("evt_1").Sections[0].Available, "what was wrong is right")
	letters, err := DeadLetters(t.Context(), w.cfg, "availability")
	require.NoError(t, err)
	require.Len(t, letters, 1)
	require.Equal(t, "inventory-evt_2", letters[0].StreamID)
	require.ErrorIs(t, old.write(t.Context(), batch{records: w.records(inventory.Category)}), errFenced, "a straggler can't write")

	w.log.Append(t, "inventory-evt_1", inventory.SeatsReserved{Items: standing(5)})
	w.project("availability", w.records(inventory.Category)...)
	require.Equal(t, 90, w.inventory("evt_1").Sections[0].Available, "life goes on")
}

func TestRebuildWhileRecordsArrive(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "inventory-evt_1", stocked()...)
	const moves = 60
	var arriving sync.WaitGroup
	arriving.Go(func() {
		for range moves {
			w.log.Append(t, "inventory-evt_1", inventory.SeatsReserved{Items: standing(1)})
			records := w.records(inventory.Category)
			for { // as a runner does after a switch
				err := w.writer("availability").write(context.Background(), batch{records: records})
				if err == nil {
					break
				}
			}
		}
	})
	for range 5 {
		require.NoError(t, Rebuild(t.Context(), w.cfg, "availability"))
	}
	arriving.Wait()
	inv := w.inventory("evt_1")
	require.EqualValues(t, 2+moves, inv.Version)
	require.Equal(t, moves, inv.Sections[0].Reserved)
}

func TestNewIncarnationFillsTheTablesAgain(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	w.log.Append(t, "event-evt_2", created("never"))
	w.log.Append(t, "event-evt_1", event.EventPublished{})
	w.project("events", w.records(event.Category)...)
	w.log.NewIncarnation(t, 1)
	w.log.Append(t, "event-evt_1", event.EventCancelled{})

	p, err := find("events")
	require.NoError(t, err)
	r := &runner{cfg: w.cfg, projection: p, topics: []string{"events"}, metrics: newMetrics(nil), log: w.cfg.Logger}
	for range 2 { // the second has nothing to do
		_, err = r.prepare(t.Context())
		require.NoError(t, err)
		require.Equal(t, "CANCELLED", w.event("evt_1").Status)
		require.EqualValues(t, 2, w.event("evt_1").Version)
		require.Empty(t, w.event("evt_2").ID, "it never happened")
		require.EqualValues(t, 2, w.writer("events").generation)
	}
}

// half fills the new tables of a projection up to a position of the log, as a run does that is killed then.
func (w *world) half(projection string, position int64) *rebuilding {
	w.t.Helper()
	live := w.writer(projection)
	build, err := thisProgram()
	require.NoError(w.t, err)
	version, err := readSchemaVersion(w.t.Context(), w.cfg.Read)
	require.NoError(w.t, err)
	r := &rebuilding{live: live, schema: "rebuild_" + projection, incarnation: live.incarnation, build: build, schemaVersion: version}
	require.NoError(w.t, r.makeTables(w.t.Context()))
	filling := *live
	filling.guard = r.enter
	require.NoError(w.t, r.fillTo(w.t.Context(), &filling, position))
	return r
}

// rebuilt rebuilds a projection and answers the stages that it went through, each with the position at its first report.
func (w *world) rebuilt(projection string) map[Stage]int64 {
	w.t.Helper()
	stages := map[Stage]int64{}
	cfg := w.cfg
	cfg.Progress = func(p Progress) {
		require.Equal(w.t, projection, p.Projection)
		if _, seen := stages[p.Stage]; !seen {
			stages[p.Stage] = p.Position
		}
	}
	require.NoError(w.t, Rebuild(w.t.Context(), cfg, projection))
	return stages
}

func TestARebuildGoesOnWhereItWasEnded(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.log.Append(t, fmt.Sprintf("event-evt_%d", i), created("one"), event.EventPublished{})
	}
	w.project("events", w.records(event.Category)...)
	w.half("events", 5)
	require.Equal(t, "PUBLISHED", w.event("evt_4").Status, "the live tables serve")
	w.rename("EventCreated", "Gibberish") // so that what is filled already can be told from what is read now
	w.log.Append(t, "event-evt_1", event.EventCancelled{})

	stages := w.rebuilt("events")
	require.EqualValues(t, 5, stages[Resumed])
	require.EqualValues(t, 11, stages[Switched])
	require.Equal(t, "one", w.event("evt_0").Name)
	require.Equal(t, "CANCELLED", w.event("evt_1").Status)
	require.EqualValues(t, 2, w.event("evt_2").Version, "its stream stood in the middle of a page")
	require.Empty(t, w.event("evt_3").ID)
	require.NotContains(t, w.rebuilt("events"), Resumed, "the next begins at the start")
}

func TestWhatAnotherProgramOrAnotherLogHasFilledIsThrownAway(t *testing.T) {
	for name, change := range map[string]string{
		"another program": `UPDATE projection_rebuilds SET build = 'older'`,
		"other tables":    `UPDATE projection_rebuilds SET schema_version = schema_version - 1`,
		"another log":     `UPDATE projection_rebuilds SET incarnation = 'older'`,
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.log.Append(t, "event-evt_1", created("one"), event.EventPublished{})
			r := w.half("events", 1)
			_, err := w.cfg.Read.Exec(t.Context(), `UPDATE rebuild_events.events SET name = 'as it was made formerly'`)
			require.NoError(t, err)
			_, err = w.cfg.Read.Exec(t.Context(), change)
			require.NoError(t, err)
			require.NotContains(t, w.rebuilt("events"), Resumed)
			require.Equal(t, "one", w.event("evt_1").Name)

			filling := *r.live
			filling.guard = r.enter
			require.ErrorIs(t, r.fillTo(t.Context(), &filling, 2), errFenced, "who wakes up late can't write")
			require.Error(t, r.switchOver(t.Context()))
		})
	}
}

func TestTwoRebuildsOfOneProjectionExcludeEachOther(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	cfg := w.cfg
	var second error
	cfg.Progress = func(p Progress) {
		if p.Stage == Filling && p.Position == 0 {
			second = Rebuild(t.Context(), w.cfg, "events")
			require.NoError(t, Rebuild(t.Context(), w.cfg, "payments"), "another one may be rebuilt meanwhile")
		}
	}
	require.NoError(t, Rebuild(t.Context(), cfg, "events"))
	require.ErrorIs(t, second, ErrRebuilding)
	require.ErrorContains(t, second, "rebuild events")
	require.NoError(t, Rebuild(t.Context(), w.cfg, "events"), "the lock is given back")
}

// A long read keeps the old tables; nobody queues behind a switch that waits for it.
func TestASwitchWaitsForALongRead(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	w.project("events", w.records(event.Category)...)
	long, err := w.cfg.Read.Begin(t.Context())
	require.NoError(t, err)
	defer long.Rollback(context.Background())
	_, err = long.Exec(t.Context(), `SELECT FROM events`)
	require.NoError(t, err)

	cfg := w.cfg
	waited := 0
	cfg.Progress = func(p Progress) {
		if p.Stage != Waiting {
			return
		}
		waited++
		require.Equal(t, "DRAFT", w.event("evt_1").Status, "others read")
		w.log.Append(t, "event-evt_1", event.EventUpdated{Name: "two", StartsAt: noon})
		w.project("events", w.records(event.Category)...)
		if waited == 2 {
			require.NoError(t, long.Rollback(t.Context()))
		}
	}
	require.NoError(t, Rebuild(t.Context(), cfg, "events"))
	require.GreaterOrEqual(t, waited, 2)
	require.EqualValues(t, 1+waited, w.event("evt_1").Version)
}

// Replicas whose transactions overlap all the time do not keep a switch waiting for ever.
func TestASwitchGetsItsTurn(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	ctx, stop := context.WithCancel(t.Context())
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			for ctx.Err() == nil {
				writer := w.writer("events")
				_ = writer.begin(context.Background(), func(tx pgx.Tx) error {
					_, err := tx.Exec(context.Background(), `SELECT pg_sleep(0.2)`)
					return err
				})
			}
		})
	}
	require.NoError(t, Rebuild(t.Context(), w.cfg, "events"))
	stop()
	replicas.Wait()
}

func TestTablesThatAreMigratedMeanwhileAreNotReplaced(t *testing.T) {
	w := newWorld(t)
	w.log.Append(t, "event-evt_1", created("one"))
	cfg := w.cfg
	cfg.Progress = func(Progress) {
		_, err := w.cfg.Read.Exec(t.Context(), `UPDATE schema_migrations SET version = 1000`)
		require.NoError(t, err)
	}
	require.ErrorIs(t, Rebuild(t.Context(), cfg, "events"), errMigrated)
	require.NoError(t, Rebuild(t.Context(), w.cfg, "events"))
	require.Equal(t, "one", w.event("evt_1").Name)
}
