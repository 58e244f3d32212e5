package verify_test

import (
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/catalog"
	"ticketing/command/commandtest"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/relay/logtest"
	"ticketing/command/reservation"
	"ticketing/command/saga"
	"ticketing/internal/testenv"
	"ticketing/projector"
	"ticketing/projector/verify"
)

var topics = map[string]string{
	event.Category: "events", inventory.Category: "inventory", reservation.Category: "reservations", payment.Category: "payments",
}

// world is a write side whose read tables are filled when a test says so.
type world struct {
	*commandtest.Story

	t    *testing.T
	read *pgxpool.Pool
	log  logtest.Log
}

func newWorld(t *testing.T) *world {
	t.Helper()
	urls := testenv.Databases(t)
	read := testenv.OpenPool(t, urls.Read)
	w := &world{t: t, Story: commandtest.NewStory(t, urls.Events), read: read}
	w.log = logtest.Log{Pool: w.Pool, Registry: catalog.Registry()}
	return w
}

// project fills the read tables from the log, and records that relay and projectors have reached its end.
func (w *world) project() {
	w.t.Helper()
	w.rebuild()
	w.recordProgress()
}

// recordProgress records what relay and projectors do when they have reached the end of the log.
func (w *world) recordProgress() {
	w.t.Helper()
	w.exec(w.Pool, `INSERT INTO relay_cursor (shard, incarnation, position)
		SELECT 0, incarnation, (SELECT max(position) FROM domain_events) FROM log_incarnation`)
	for _, topic := range topics {
		w.exec(w.Pool, `INSERT INTO relay_partitions (topic, partition, last_offset, last_position, refills) VALUES ($1, 0, 41, 1, 0), ($1, 1, -1, 0, 0)`, topic)
	}
	for name, categories := range projector.Categories() {
		for _, category := range categories {
			w.exec(w.read, `INSERT INTO projection_checkpoints (projection, topic, partition, next_offset, position, incarnation, generation)
				VALUES ($1, $2, 0, 42, 1, '', 1)`, name, topics[category])
		}
	}
}

func (w *world) rebuild() {
	w.t.Helper()
	cfg := projector.Config{Events: w.Pool, Read: w.read, Registry: catalog.Registry(), Logger: slog.New(slog.DiscardHandler)}
	for _, name := range projector.Names() {
		require.NoError(w.t, projector.Rebuild(w.t.Context(), cfg, name))
	}
}

func (w *world) exec(db *pgxpool.Pool, statement string, args ...any) {
	w.t.Helper()
	_, err := db.Exec(w.t.Context(), statement, args...)
	require.NoError(w.t, err)
}

func (w *world) verify(changes ...func(*verify.Config)) *verify.Report {
	w.t.Helper()
	cfg := verify.Config{
		Events: w.Pool, Read: w.read, Registry: catalog.Registry(), Topics: topics, WindingUp: saga.ReadWindingUp,
		Wait: 50 * time.Millisecond, Show: 20,
	}
	for _, change := range changes {
		change(&cfg)
	}
	report, err := verify.Run(w.t.Context(), cfg)
	require.NoError(w.t, err)
	return report
}

// requireFound requires a finding of that kind about that, and returns it.
func requireFound(t *testing.T, r *verify.Report, kind verify.Kind, table, key, column string) verify.Finding {
	t.Helper()
	i := slices.IndexFunc(r.Findings, func(f verify.Finding) bool {
		return f.Kind == kind && f.Table == table && f.Key == key && f.Column == column
	})
	require.GreaterOrEqual(t, i, 0, "%v", r.Findings)
	return r.Findings[i]
}
