package engine_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/eventstore"
	"ticketing/internal/testenv"
)

// freezeUntilEnded keeps the process from doing anything until PostgreSQL has ended its session for that.
func freezeUntilEnded(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		var sessions int
		err := pool.QueryRow(context.WithoutCancel(t.Context()), `SELECT count(*) FROM pg_stat_activity
			WHERE application_name = 'ticketing engine' AND datname = current_database()`).Scan(&sessions)
		return err == nil && sessions == 0, fmt.Sprintf("%d sessions: %v", sessions, err)
	})
}

// Nothing waits for the lock here, so that only PostgreSQL itself can end the session. It says why, so the command needs no idempotency key.
func TestAFrozenProcessLosesNoneOfItsCommands(t *testing.T) {
	t.Parallel()
	pool, metrics := newPool(t, logDB(t), nil), prometheus.NewRegistry()
	e, _ := start(t, pool, metrics)
	mustExecute(t, e, add("1", 1))
	require.Equal(t, 11, mustExecute(t, e, whileDeciding(add("1", 10), func() { freezeUntilEnded(t, pool) })))
	requireSum(t, pool, "counter-1", 11)
	require.Zero(t, counted(t, metrics, "ended_lock_holders_total"))
	require.InDelta(t, 1, failedBatches(t, metrics), 0)
}

// startHolder returns a session that has the lock, of a process that will freeze. Nothing but those who wait for the lock ends it.
func startHolder(t *testing.T, url string) *pgconn.PgConn {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), url)
	require.NoError(t, err)
	t.Cleanup(func() {
		ctx, cancel := context.WithCancel(context.Background())
		cancel() // its server is gone, or would wait for it
		_ = conn.Close(ctx)
	})
	lock := fmt.Sprintf(`BEGIN; SELECT pg_advisory_xact_lock(%d, %d)`, eventstore.LockClass, eventstore.Shard)
	require.NoError(t, conn.Exec(t.Context(), lock).Close())
	return conn
}

func TestAFrozenHolderOfTheLockIsEnded(t *testing.T) {
	t.Parallel()
	for name, freeze := range map[string]func(*pgproto3.Frontend){
		"between two statements": func(*pgproto3.Frontend) {},
		"in the middle of a request": func(f *pgproto3.Frontend) { // PostgreSQL counts it as one that works
			f.SendParse(&pgproto3.Parse{Query: `SELECT 1`})
		},
		"in the middle of a response": func(f *pgproto3.Frontend) { // more than the kernel keeps for a client that reads nothing
			f.SendQuery(&pgproto3.Query{String: `SELECT repeat('x', 1 << 20) FROM generate_series(1, 64)`})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			pool, metrics := newPool(t, logDB(t), nil), prometheus.NewRegistry()
			e, _ := start(t, pool, metrics)
			mustExecute(t, e, add("1", 1))
			frozen := startHolder(t, pool.Config().ConnString())
			freeze(frozen.Frontend())
			require.NoError(t, frozen.Frontend().Flush())
			bystander, err := pgx.Connect(t.Context(), pool.Config().ConnString())
			require.NoError(t, err)
			defer bystander.Close(context.Background())
			_, err = bystander.Exec(t.Context(), `BEGIN`) // a transaction that is as old and holds nothing
			require.NoError(t, err)

			require.Equal(t, 2, mustExecute(t, e, add("1", 1)))
			require.InDelta(t, 1, counted(t, metrics, "ended_lock_holders_total"), 0)
			testenv.Eventually(t, testenv.Patience, func() (bool, string) {
				var sessions int
				err := pool.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity WHERE pid = $1`, frozen.PID()).Scan(&sessions)
				return err == nil && sessions == 0, fmt.Sprintf("%d sessions: %v", sessions, err)
			})
			_, err = bystander.Exec(t.Context(), `SELECT 1`)
			require.NoError(t, err, "other sessions must not be ended")
		})
	}
}
