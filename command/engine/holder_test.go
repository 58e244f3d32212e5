package engine_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
	"ticketing/command/eventstore"
	"ticketing/internal/postgres"
	"ticketing/internal/services"
	"ticketing/internal/testenv"
	"ticketing/migrations"
)

func TestAHolderOfTheLockThatWorksIsNotEnded(t *testing.T) {
	t.Parallel()
	pool, metrics := newPool(t, logDB(t), nil), prometheus.NewRegistry()
	e, _ := start(t, pool, metrics)
	mustExecute(t, e, add("1", 1))
	busy, err := pool.Begin(t.Context())
	require.NoError(t, err)
	_, err = busy.Exec(t.Context(), `SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard))
	require.NoError(t, err)
	done := make(chan error, 1)
	go func() {
		_, err := e.Execute(t.Context(), add("1", 1))
		done <- err
	}()
	for failedBatches(t, metrics) == 0 { // until another replica has given up a batch, after it looked who has the lock
		_, err = busy.Exec(t.Context(), `SELECT pg_sleep(0.1)`)
		require.NoError(t, err, "it was ended")
	}
	require.NoError(t, busy.Commit(t.Context()))
	require.NoError(t, <-done)
	require.Zero(t, counted(t, metrics, "ended_lock_holders_total"))
}

// replicated is a log on a server of its own, whose commits can be made to wait for a standby.
type replicated struct {
	url  string
	pool *pgxpool.Pool // that does not wait
}

func startReplicated(t *testing.T) replicated {
	t.Helper()
	if testing.Short() {
		t.Skip("starts a server: not with -short")
	}
	folder, err := os.MkdirTemp("", "ticketing-test-") // t.TempDir is closed to other users
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(folder)) })
	require.NoError(t, os.Chmod(folder, 0o755))
	server, err := services.StartPostgres(t.Context(), services.PostgresConfig{DataDir: filepath.Join(folder, "postgres")})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Kill()) })
	require.NoError(t, postgres.Migrate(t.Context(), server.URL(), migrations.Events))
	return replicated{url: server.URL(), pool: newPool(t, server.URL(), func(c *pgxpool.Config) {
		c.ConnConfig.RuntimeParams["synchronous_commit"] = "off"
	})}
}

// setStandby sets which standby commits wait for, and waits until they do or no longer do.
func (r replicated) setStandby(t *testing.T, name string) {
	t.Helper()
	_, err := r.pool.Exec(t.Context(), fmt.Sprintf(`ALTER SYSTEM SET synchronous_standby_names = '%s'`, name))
	require.NoError(t, err)
	_, err = r.pool.Exec(t.Context(), `SELECT pg_reload_conf()`)
	require.NoError(t, err)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		conn, err := pgx.Connect(t.Context(), r.url)
		require.NoError(t, err)
		defer conn.Close(context.Background())
		ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
		defer cancel()
		_, err = conn.Exec(ctx, `SELECT pg_logical_emit_message(true, 'test', ''::text)`)
		return (err != nil) == (name != ""), fmt.Sprintf("a commit returned %v", err)
	})
}

// stalledCommit is a command whose commit waits for a standby.
type stalledCommit struct {
	t    *testing.T
	pool *pgxpool.Pool
	done chan error
}

// awaitSession returns the session that waits for the standby, another one than before. The caller must not have a result meanwhile.
func (s *stalledCommit) awaitSession(before int) (pid int) {
	s.t.Helper()
	testenv.Eventually(s.t, testenv.Patience, func() (bool, string) {
		s.requireNoResult()
		err := s.pool.QueryRow(s.t.Context(), `SELECT coalesce(max(pid), 0) FROM pg_stat_activity
			WHERE datname = current_database() AND wait_event = 'SyncRep' AND application_name = 'ticketing engine' AND pid <> $1`, before).Scan(&pid)
		return err == nil && pid != 0, fmt.Sprintf("no session waits for the standby: %v", err)
	})
	return pid
}

func (s *stalledCommit) requireNoResult() {
	s.t.Helper()
	select {
	case err := <-s.done:
		s.t.Fatalf("the caller got a result, %v, while no standby has what it says", err)
	default:
	}
}

func (s *stalledCommit) stop(function string, pid int) {
	s.t.Helper()
	var stopped bool
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), `SELECT `+function+`($1)`, pid).Scan(&stopped))
	require.True(s.t, stopped)
}

// A caller never gets a result that may be lost with this server: not when the commit takes too long, not when its session is terminated, and not when
// the wait is cancelled.
func TestWhatNoStandbyHasIsNotAcknowledged(t *testing.T) {
	t.Parallel()
	r, metrics := startReplicated(t), prometheus.NewRegistry()
	pool := r.pool
	e, _ := start(t, newPool(t, r.url, nil), metrics)
	mustExecute(t, e, add("1", 1))
	r.setStandby(t, "nobody")

	s := &stalledCommit{t: t, pool: pool, done: make(chan error, 1)}
	var result engine.Result
	go func() {
		var err error
		result, err = e.Execute(t.Context(), withKey(add("1", 10), "k", "r"))
		s.done <- err
	}()
	first := s.awaitSession(0)
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		s.requireNoResult()
		return failedBatches(t, metrics) >= 2, "the engine has not given up and waited for the lock"
	})
	var waits bool
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT wait_event = 'SyncRep' FROM pg_stat_activity WHERE pid = $1`, first).Scan(&waits))
	require.True(t, waits, "the commit was cancelled, or its session ended")
	requireSum(t, pool, "counter-1", 1)

	s.stop("pg_terminate_backend", first)
	second := s.awaitSession(first)
	requireSum(t, pool, "counter-1", 11)
	s.stop("pg_cancel_backend", second)
	s.awaitSession(second)
	r.setStandby(t, "")
	require.NoError(t, <-s.done)
	require.True(t, result.Replayed)
	require.Equal(t, "11", result.Ref)
	require.Zero(t, counted(t, metrics, "ended_lock_holders_total"))
}

// The server may speak any language, and a server that panics or shuts down may have committed before.
func TestOnlyAnErrorIsCertainlyNotCommitted(t *testing.T) {
	t.Parallel()
	for severity, certain := range map[string]bool{"ERROR": true, "FATAL": false, "PANIC": false, "": false} {
		err := fmt.Errorf("commit: %w", &pgconn.PgError{Severity: "FEHLER", SeverityUnlocalized: severity})
		require.Equal(t, certain, engine.CertainlyRefused(err), severity)
	}
	require.False(t, engine.CertainlyRefused(context.DeadlineExceeded))
	frozen := &pgconn.PgError{SeverityUnlocalized: "FATAL", Code: pgerrcode.IdleInTransactionSessionTimeout}
	require.True(t, engine.CertainlyRefused(frozen), "PostgreSQL waited for the rest of the transaction")
}

func TestExpiredKeysAreDeletedAsFastAsTheyCanBeMade(t *testing.T) {
	t.Parallel()
	const expired, valid = 60_000, 10
	url, metrics := logDB(t), prometheus.NewRegistry()
	pool := newPool(t, url, nil)
	_, err := pool.Exec(t.Context(), `INSERT INTO idempotency_keys (actor, key, request_hash, outcome, expires_at)
		SELECT 'usr_' || n, 'k', '', '{}', now() + CASE WHEN n > $1 THEN interval '1 hour' ELSE interval '-1 hour' END
		FROM generate_series(1, $1::int + $2::int) n`, expired, valid)
	require.NoError(t, err)
	inUse, err := pool.Begin(t.Context()) // by a client that uses its expired key again
	require.NoError(t, err)
	_, err = inUse.Exec(t.Context(), `DELETE FROM idempotency_keys WHERE actor = 'usr_1'`)
	require.NoError(t, err)
	began := time.Now()
	for i := range 2 {
		start(t, newPool(t, url, nil), prometheus.WrapRegistererWith(prometheus.Labels{"replica": strconv.Itoa(i)}, metrics))
	}
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		deleted := counted(t, metrics, "deleted_keys_total")
		return deleted == expired-1, fmt.Sprintf("%v were deleted", deleted)
	})
	took := time.Since(began)
	t.Logf("%d keys in %v: %.0f/s", expired, took, expired/took.Seconds())
	require.NoError(t, inUse.Commit(t.Context()))
	var left int
	require.NoError(t, pool.QueryRow(t.Context(), `SELECT count(*) FROM idempotency_keys`).Scan(&left))
	require.Equal(t, valid, left)
}
