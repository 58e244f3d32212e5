package rebuild

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/internal/wait"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/db"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/readtest"
	"ticketing/projector/reservations"
	"ticketing/projector/sales"
	"ticketing/projector/tables"
)

// describeTable describes a table as later migrations rely on it.
func describeTable(w *readtest.World, table string) []string {
	w.T.Helper()
	rows, err := w.Tables.Read.Query(w.T.Context(), `
		SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename = $1
		UNION ALL SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = $1::regclass
		UNION ALL SELECT attname || ' ' || atttypid::regtype || attnotnull || attcollation FROM pg_attribute
			WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped
		ORDER BY 1`, table)
	require.NoError(w.T, err)
	description, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(w.T, err)
	require.NotEmpty(w.T, description)
	return description
}

func TestRebuildMakesTheSameTablesWithRightRows(t *testing.T) {
	w := readtest.New(t)
	for _, p := range []projection.Projection{
		events.Projection{}, availability.Projection{}, reservations.Projection{}, payments.Projection{}, sales.Projection{}, customers.Projection{},
	} {
		before := map[string][]string{}
		for _, table := range p.Tables() {
			before[table] = describeTable(w, table)
		}
		require.NoError(t, Run(t.Context(), w.Tables, p, nil))
		for _, table := range p.Tables() {
			require.Equal(t, before[table], describeTable(w, table), table)
		}
	}
	w.Append("inventory-evt_1", append(readtest.InventoryAdded(), inventory.SeatsReserved{Items: readtest.Standing(5)})...)
	w.Log.AppendRaw(t, "inventory-evt_2", "Gibberish", 1, `{}`)
	w.ProjectAll(availability.Projection{})
	w.ExecRead(`UPDATE sections SET available = available - 1, sold = sold + 1`)

	old := w.Writer(availability.Projection{})
	require.NoError(t, Run(t.Context(), w.Tables, availability.Projection{}, nil))
	require.Equal(t, 95, w.Inventory("evt_1").Sections[0].Available, "what was wrong is right")
	letters := w.DeadLetters(availability.Projection{})
	require.Len(t, letters, 1)
	require.Equal(t, "inventory-evt_2", letters[0].StreamID)
	require.ErrorIs(t, old.Write(t.Context(), tables.Batch{Records: w.Records(inventory.Category)}), projection.ErrFenced, "a straggler can't write")

	w.Append("inventory-evt_1", inventory.SeatsReserved{Items: readtest.Standing(5)})
	w.ProjectAll(availability.Projection{})
	require.Equal(t, 90, w.Inventory("evt_1").Sections[0].Available, "life goes on")
}

func TestRebuildWhileRecordsArrive(t *testing.T) {
	w := readtest.New(t)
	w.Append("inventory-evt_1", readtest.InventoryAdded()...)
	const moves = 60
	var arriving sync.WaitGroup
	arriving.Go(func() {
		for range moves {
			w.Append("inventory-evt_1", inventory.SeatsReserved{Items: readtest.Standing(1)})
			records := w.Records(inventory.Category)
			for { // as a runner does after a switch
				err := w.Writer(availability.Projection{}).Write(context.Background(), tables.Batch{Records: records})
				if err == nil {
					break
				}
			}
		}
	})
	for range 5 {
		require.NoError(t, Run(t.Context(), w.Tables, availability.Projection{}, nil))
	}
	arriving.Wait()
	inv := w.Inventory("evt_1")
	require.EqualValues(t, 2+moves, inv.Version)
	require.Equal(t, moves, inv.Sections[0].Reserved)
}

// fillHalf fills the new tables of a projection up to a position of the log, as a run does that is killed then.
func fillHalf(w *readtest.World, p projection.Projection, position int64) *rebuilding {
	w.T.Helper()
	live := w.Writer(p)
	r, err := newRebuilding(w.T.Context(), live, live.Incarnation)
	require.NoError(w.T, err)
	require.NoError(w.T, r.makeTables(w.T.Context()))
	require.NoError(w.T, r.fillTo(w.T.Context(), live.Into(r.enterSchema), position))
	return r
}

// rebuild rebuilds a projection and returns its stages, each with the position at its first report.
func rebuild(w *readtest.World, p projection.Projection) map[Stage]int64 {
	w.T.Helper()
	stages := map[Stage]int64{}
	require.NoError(w.T, Run(w.T.Context(), w.Tables, p, func(progress Progress) {
		require.Equal(w.T, p.Name(), progress.Projection)
		if _, seen := stages[progress.Stage]; !seen {
			stages[progress.Stage] = progress.Position
		}
	}))
	return stages
}

func TestARebuildResumesWhereItWasEnded(t *testing.T) {
	w := readtest.New(t)
	for i := range 5 {
		w.Append(fmt.Sprintf("event-evt_%d", i), readtest.Created("one"), event.EventPublished{})
	}
	w.ProjectAll(events.Projection{})
	fillHalf(w, events.Projection{}, 5)
	require.Equal(t, "PUBLISHED", w.Event("evt_4").Status, "the live tables are read")
	w.RenameType("EventCreated", "Gibberish") // so that rows from before are known from those of now
	w.Append("event-evt_1", event.EventCancelled{})

	stages := rebuild(w, events.Projection{})
	require.EqualValues(t, 5, stages[Resumed])
	require.EqualValues(t, 11, stages[Switched])
	require.Equal(t, "one", w.Event("evt_0").Name)
	require.Equal(t, "CANCELLED", w.Event("evt_1").Status)
	require.EqualValues(t, 2, w.Event("evt_2").Version, "its stream was in the middle of a page")
	require.Empty(t, w.Event("evt_3").ID)
	require.NotContains(t, rebuild(w, events.Projection{}), Resumed, "the next begins at the start")
}

func TestWhatAnotherProgramOrAnotherLogHasFilledIsDiscarded(t *testing.T) {
	for name, change := range map[string]string{
		"another program": `UPDATE projection_rebuilds SET build = 'older'`,
		"other tables":    `UPDATE projection_rebuilds SET schema_version = schema_version - 1`,
		"another log":     `UPDATE projection_rebuilds SET incarnation = 'older'`,
	} {
		t.Run(name, func(t *testing.T) {
			w := readtest.New(t)
			w.Append("event-evt_1", readtest.Created("one"), event.EventPublished{})
			r := fillHalf(w, events.Projection{}, 1)
			w.ExecRead(`UPDATE rebuild_events.events SET name = 'as it was made formerly'`)
			w.ExecRead(change)
			require.NotContains(t, rebuild(w, events.Projection{}), Resumed)
			require.Equal(t, "one", w.Event("evt_1").Name)

			require.ErrorIs(t, r.fillTo(t.Context(), r.live.Into(r.enterSchema), 2), projection.ErrFenced, "a run that wakes up late can't write")
			require.Error(t, r.switchTables(t.Context()))
		})
	}
}

func TestTwoRebuildsOfOneProjectionExcludeEachOther(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	var second error
	report := func(p Progress) {
		if p.Stage == Filling && p.Position == 0 {
			second = Run(t.Context(), w.Tables, events.Projection{}, nil)
			require.NoError(t, Run(t.Context(), w.Tables, payments.Projection{}, nil), "another one may be rebuilt meanwhile")
		}
	}
	require.NoError(t, Run(t.Context(), w.Tables, events.Projection{}, report))
	require.ErrorIs(t, second, ErrRebuilding)
	require.ErrorContains(t, second, "rebuild events")
	require.NoError(t, Run(t.Context(), w.Tables, events.Projection{}, nil), "the lock is released")
}

// The checkpoints stay where they are, so that no projector brings later what a switch leaves out.
func TestASwitchBringsWhatTheLogGotSinceTheNewTablesWereFilled(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	r := fillHalf(w, events.Projection{}, 1)
	w.Append("event-evt_1", event.EventPublished{})
	w.ProjectAll(events.Projection{})
	require.NoError(t, r.switchTables(t.Context()))
	require.Equal(t, "PUBLISHED", w.Event("evt_1").Status)
}

// A long read keeps the old tables; other reads do not queue behind a switch that waits for it.
func TestASwitchWaitsForALongRead(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	w.ProjectAll(events.Projection{})
	long, err := w.Tables.Read.Begin(t.Context())
	require.NoError(t, err)
	defer long.Rollback(context.Background())
	_, err = long.Exec(t.Context(), `SELECT FROM events`)
	require.NoError(t, err)

	waited := 0
	report := func(p Progress) {
		if p.Stage != Waiting {
			return
		}
		waited++
		require.Equal(t, "DRAFT", w.Event("evt_1").Status, "others read")
		w.Append("event-evt_1", event.EventUpdated{Name: "two", StartsAt: readtest.Noon})
		w.ProjectAll(events.Projection{})
		if waited == 2 {
			require.NoError(t, long.Rollback(t.Context()))
		}
	}
	require.NoError(t, Run(t.Context(), w.Tables, events.Projection{}, report))
	require.GreaterOrEqual(t, waited, 2)
	require.EqualValues(t, 1+waited, w.Event("evt_1").Version)
}

// Replicas whose transactions overlap all the time do not keep a switch waiting for ever.
func TestASwitchGetsItsTurn(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	ctx, stop := context.WithCancel(t.Context())
	var replicas sync.WaitGroup
	for range 4 {
		replicas.Go(func() {
			for ctx.Err() == nil {
				writer := w.Writer(events.Projection{})
				_ = writer.Write(context.Background(), tables.Batch{Along: func(ctx context.Context, _ *db.Queries) error {
					return wait.For(ctx, 200*time.Millisecond)
				}})
			}
		})
	}
	require.NoError(t, Run(t.Context(), w.Tables, events.Projection{}, nil))
	stop()
	replicas.Wait()
}

func TestTablesThatAreMigratedMeanwhileAreNotReplaced(t *testing.T) {
	w := readtest.New(t)
	w.Append("event-evt_1", readtest.Created("one"))
	report := func(Progress) { w.ExecRead(`UPDATE schema_migrations SET version = 1000`) }
	require.ErrorIs(t, Run(t.Context(), w.Tables, events.Projection{}, report), errMigrated)
	require.NoError(t, Run(t.Context(), w.Tables, events.Projection{}, nil))
	require.Equal(t, "one", w.Event("evt_1").Name)
}
