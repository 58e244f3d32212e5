package engine_test

import (
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command/engine"
)

// whileDeciding has f called in the middle of the first decision, under the lock.
func whileDeciding(r engine.Request, f func()) engine.Request {
	var once sync.Once
	decide := r.Decide
	r.Decide = func(tx *engine.Tx) (engine.Decided, error) {
		decided, err := decide(tx)
		if err == nil {
			once.Do(f)
		}
		return decided, err
	}
	return r
}

func TestASessionThatDiesBetweenDecisionAndCommitLosesNothing(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 1))
	kill := func() {
		_, err := pool.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE application_name = 'ticketing engine' AND datname = current_database()`)
		if err != nil {
			t.Error(err)
		}
	}
	require.Equal(t, 11, mustExecute(t, e, withKey(whileDeciding(add("1", 10), kill), "k", "r")))
	require.Equal(t, 12, mustExecute(t, e, add("1", 1)))
	requireSum(t, pool, "counter-1", 12)
}

// lossyConn loses the response to the next request, once armed, although the server has executed it.
type lossyConn struct {
	net.Conn
	armed *atomic.Bool
}

func (c *lossyConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	if err == nil && c.armed.CompareAndSwap(true, false) {
		return 0, errors.New("the network is gone")
	}
	return n, err
}

func lossy(armed *atomic.Bool) func(*pgxpool.Config) {
	return func(c *pgxpool.Config) {
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := dial(ctx, network, address)
			return &lossyConn{Conn: conn, armed: armed}, err
		}
	}
}

func TestACommitWithoutAcknowledgementIsFoundByItsKey(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	var armed atomic.Bool
	e, _ := start(t, newPool(t, url, lossy(&armed)), nil)
	mustExecute(t, e, add("1", 1)) // warm: nothing but the append is sent after the decision
	result, err := e.Execute(t.Context(), withKey(whileDeciding(add("1", 10), func() { armed.Store(true) }), "k", "r"))
	require.NoError(t, err)
	require.True(t, result.Replayed, "the first try was committed")
	require.Equal(t, "11", result.Ref)
	require.Equal(t, 12, mustExecute(t, e, add("1", 1)))
	requireSum(t, newPool(t, url, nil), "counter-1", 12)
}

func TestACommitWithoutAcknowledgementIsUnavailableWithoutAKey(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	var armed atomic.Bool
	e, _ := start(t, newPool(t, url, lossy(&armed)), nil)
	mustExecute(t, e, add("1", 1))
	_, err := e.Execute(t.Context(), whileDeciding(add("1", 10), func() { armed.Store(true) }))
	require.ErrorIs(t, err, engine.ErrUnavailable)
	require.Equal(t, 12, mustExecute(t, e, add("1", 1)), "what was committed is seen, although it was not acknowledged")
}

func TestANewIncarnationOfTheLogStartsOver(t *testing.T) {
	t.Parallel()
	pool := newPool(t, logDB(t), nil)
	e, _ := start(t, pool, nil)
	mustExecute(t, e, add("1", 1))
	mustExecute(t, e, add("1", 100))
	// A restore lost the last commit, and the same position holds something else now.
	_, err := pool.Exec(t.Context(), `DELETE FROM domain_events WHERE position = 2`)
	require.NoError(t, err)
	_, err = pool.Exec(t.Context(), `UPDATE log_incarnation SET incarnation = gen_random_uuid()`)
	require.NoError(t, err)
	require.Equal(t, 3, mustExecute(t, e, add("1", 2)))
	requireSum(t, pool, "counter-1", 3)
}

func TestPostgresGoneForAMomentLosesNoCommand(t *testing.T) {
	t.Parallel()
	url := logDB(t)
	var down atomic.Bool
	e, _ := start(t, newPool(t, url, func(c *pgxpool.Config) {
		dial := c.ConnConfig.DialFunc
		c.ConnConfig.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
			if down.CompareAndSwap(true, false) {
				return nil, errors.New("connection refused")
			}
			return dial(ctx, network, address)
		}
	}), nil)
	down.Store(true)
	require.Equal(t, 1, mustExecute(t, e, add("1", 1)))
	requireSum(t, newPool(t, url, nil), "counter-1", 1)
}
