package postgres_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/network"
	"ticketing/internal/network/networktest"
	"ticketing/internal/postgres"
	"ticketing/internal/testenv"
)

// syncBuffer is a log that several goroutines write.
type syncBuffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

const statementTimeout = 500 * time.Millisecond

// openBehindProxy opens a pool whose connections a test can silence.
func openBehindProxy(t *testing.T, log *syncBuffer) (*postgres.Pool, func() int) {
	t.Helper()
	address := testenv.EmptyDatabase(t)
	u, err := url.Parse(address)
	require.NoError(t, err)
	wires := networktest.New(t)
	pool, err := postgres.Open(t.Context(), address, postgres.Config{
		ApplicationName: "test", MaxConnections: 8, ConnectTimeout: 5 * time.Second, StatementTimeout: statementTimeout, Dial: wires.Dial,
		Logger: slog.New(slog.NewTextHandler(log, nil)),
	})
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	return pool, func() int { return wires.Silence(u.Host) }
}

func selectOne(ctx context.Context, pool *postgres.Pool) error {
	var one int
	return pool.QueryRow(ctx, `SELECT 1`).Scan(&one)
}

// fillPool opens all connections of the pool.
func fillPool(t *testing.T, pool *postgres.Pool) {
	t.Helper()
	var group errgroup.Group
	for range 8 {
		group.Go(func() error {
			_, err := pool.Exec(t.Context(), `SELECT pg_sleep(0.2)`)
			return err
		})
	}
	require.NoError(t, group.Wait())
}

// A statement that waits when its connection falls silent ends a little after the server's own limit, and the next ones work.
func TestAStatementOnASilentConnectionEnds(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	pool, silence := openBehindProxy(t, &log)
	err := pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		require.Positive(t, silence())
		began := time.Now()
		_, err := tx.Exec(t.Context(), `SELECT $1::int`, 1) // of a statement without arguments, pgx says only "conn closed"
		require.ErrorIs(t, err, network.ErrSilent)
		require.Less(t, time.Since(began), statementTimeout+5*time.Second)
		return err
	})
	require.Error(t, err)
	require.NoError(t, selectOne(t.Context(), pool))
	require.Contains(t, log.String(), "reaching PostgreSQL fails")
	testenv.Eventually(t, testenv.Patience, func() (bool, string) {
		return strings.Contains(log.String(), "reaching PostgreSQL works again"), log.String()
	})
}

// However many connections lie idle in the pool, they do not each cost their time.
func TestIdleConnectionsThatFellSilentCostOnePing(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	pool, silence := openBehindProxy(t, &log)
	fillPool(t, pool)
	time.Sleep(1100 * time.Millisecond) // idle connections are tried after a second
	require.GreaterOrEqual(t, silence(), 8)
	began := time.Now()
	require.NoError(t, selectOne(t.Context(), pool))
	require.Less(t, time.Since(began), 4*time.Second)
}

func TestWaitingStatementsShow(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	pool, _ := openBehindProxy(t, &log)
	require.Zero(t, pool.Waiting())
	var group errgroup.Group
	group.Go(func() error {
		_, err := pool.Exec(t.Context(), `SELECT pg_sleep(0.4)`)
		return err
	})
	testenv.Eventually(t, testenv.Patience, func() (bool, string) { return pool.Waiting() > 100*time.Millisecond, "nothing waits" })
	require.NoError(t, group.Wait())
	require.Zero(t, pool.Waiting())
}

func TestRoomIsWhatOthersLeave(t *testing.T) {
	t.Parallel()
	var log syncBuffer
	pool, _ := openBehindProxy(t, &log)
	room, err := postgres.ReadRoom(t.Context(), pool.Pool)
	require.NoError(t, err)
	require.Positive(t, room.Free)
	require.LessOrEqual(t, room.Free, room.Most)
}
