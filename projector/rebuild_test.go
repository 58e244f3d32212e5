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

func TestPagesOfARebuild(t *testing.T) {
	w := newWorld(t)
	for i := range 5 {
		w.log.Append(t, fmt.Sprintf("event-evt_%d", i), created("one"), event.EventPublished{})
	}
	live := w.writer("events")
	r := &rebuilding{live: live, schema: "rebuild_events", incarnation: live.incarnation}
	require.NoError(t, r.makeTables(t.Context()))
	r.position = 4 // as if the pages before had been filled
	require.NoError(t, r.switchOver(t.Context()))
	require.Empty(t, w.event("evt_1").ID)
	require.EqualValues(t, 2, w.event("evt_4").Version)
}
