// Package readtest gives tests a log, read tables, and domain events to put into them.
package readtest

import (
	"context"
	"log/slog"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/relay/logtest"
	"ticketing/internal/testenv"
	"ticketing/projector/projection"
	"ticketing/projector/tables"
	"ticketing/query"
)

// World is a log and read tables. Nothing projects the one into the others but Project.
type World struct {
	T      *testing.T
	Tables tables.Config
	Log    logtest.Log
	Reader *query.Reader
}

// New returns an empty world.
func New(t *testing.T) *World {
	t.Helper()
	urls, registry := testenv.Databases(t), catalog.Registry()
	w := &World{T: t, Tables: tables.Config{
		Events: testenv.OpenPool(t, urls.Events), Read: testenv.OpenPool(t, urls.Read), Registry: registry,
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}}
	w.Log = logtest.Log{Pool: w.Tables.Events, Registry: registry}
	w.Reader = query.NewReader(w.Tables.Read)
	return w
}

// Writer returns a writer for the live tables of a projection.
func (w *World) Writer(p projection.Projection) *tables.Writer {
	w.T.Helper()
	writer, _, err := tables.Open(w.T.Context(), w.Tables, p)
	require.NoError(w.T, err)
	return writer
}

// Append appends domain events to a stream of the log.
func (w *World) Append(streamID string, domainEvents ...any) {
	w.T.Helper()
	w.Log.Append(w.T, streamID, domainEvents...)
}

// Records returns the records of these categories, in the order of the log.
func (w *World) Records(categories ...string) []projection.Record {
	w.T.Helper()
	recorded, err := eventstore.ReadAll(w.T.Context(), w.Tables.Events, 0, 1<<20)
	require.NoError(w.T, err)
	var records []projection.Record
	for _, one := range recorded {
		r := projection.Decode(w.Tables.Registry, one)
		if slices.Contains(categories, r.Category()) {
			records = append(records, r)
		}
	}
	return records
}

// Project writes records as one batch.
func (w *World) Project(p projection.Projection, records ...projection.Record) {
	w.T.Helper()
	require.NoError(w.T, w.Writer(p).Write(context.Background(), tables.Batch{Records: records}))
}

// ProjectAll writes everything that the projection follows in the log as one batch.
func (w *World) ProjectAll(p projection.Projection) {
	w.T.Helper()
	w.Project(p, w.Records(p.Categories()...)...)
}

// DeadLetters returns the dead letters of a projection.
func (w *World) DeadLetters(p projection.Projection) []tables.DeadLetter {
	w.T.Helper()
	letters, err := tables.DeadLetters(w.T.Context(), w.Tables.Read, p.Name())
	require.NoError(w.T, err)
	return letters
}

// ExecEvents executes a statement in the events database: it can change history.
func (w *World) ExecEvents(statement string, args ...any) {
	w.T.Helper()
	_, err := w.Tables.Events.Exec(w.T.Context(), statement, args...)
	require.NoError(w.T, err)
}

// RenameType changes the type of domain events in the log.
func (w *World) RenameType(from, to string) {
	w.T.Helper()
	w.ExecEvents(`UPDATE domain_events SET type = $2 WHERE type = $1`, from, to)
}

// ExecRead executes a statement in the database of the read tables.
func (w *World) ExecRead(statement string, args ...any) {
	w.T.Helper()
	_, err := w.Tables.Read.Exec(w.T.Context(), statement, args...)
	require.NoError(w.T, err)
}

// EventuallyBlocked waits until a statement waits for a lock.
func (w *World) EventuallyBlocked() {
	w.T.Helper()
	testenv.Eventually(w.T, testenv.Patience, func() (bool, string) {
		var blocked bool
		err := w.Tables.Read.QueryRow(w.T.Context(), `SELECT EXISTS (SELECT FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event_type = 'Lock')`).Scan(&blocked)
		require.NoError(w.T, err)
		return blocked, "no statement waits for a lock"
	})
}

// Inventory returns the inventory of an event as the API reads it.
func (w *World) Inventory(eventID string) query.Inventory {
	w.T.Helper()
	found, err := w.Reader.Inventories(w.T.Context(), []string{eventID})
	require.NoError(w.T, err)
	return found[eventID]
}

// Reservation returns a reservation as the API reads it.
func (w *World) Reservation(id string) query.Reservation {
	w.T.Helper()
	found, err := w.Reader.Reservations(w.T.Context(), []string{id})
	require.NoError(w.T, err)
	return found[id]
}

// Payment returns a payment as the API reads it.
func (w *World) Payment(id string) query.Payment {
	w.T.Helper()
	found, err := w.Reader.Payments(w.T.Context(), []string{id})
	require.NoError(w.T, err)
	return found[id]
}

// Event returns an event as the API reads it.
func (w *World) Event(id string) query.Event {
	w.T.Helper()
	found, err := w.Reader.Events(w.T.Context(), []string{id})
	require.NoError(w.T, err)
	return found[id]
}

// rowsOf returns the rows of a query whose columns are in the order of R's fields.
func rowsOf[R any](w *World, query string) []R {
	w.T.Helper()
	rows, err := w.Tables.Read.Query(w.T.Context(), query)
	require.NoError(w.T, err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[R])
	require.NoError(w.T, err)
	return all
}
