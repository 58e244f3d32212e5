package query

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/internal/overload"
	"ticketing/query/db"
)

const (
	// acquireTimeout is how long a read waits for a connection: longer than a burst of sensible reads, shorter than clients' patience.
	acquireTimeout = 2 * time.Second
	// callerShare is which part of the pool one caller may use at a time: one over this.
	callerShare = 8
)

// Pool is the read database's pool, of which no caller gets more than a share: one that reads much waits for its own reads, and others do not. It
// is safe for concurrent use.
type Pool struct {
	pool  *pgxpool.Pool
	share int
	waits prometheus.Counter
	late  prometheus.Counter

	mu      sync.Mutex
	callers map[string]*callerSlots
}

// callerSlots are the connections that a caller may use. users counts those who use them or wait for one.
type callerSlots struct {
	slots chan struct{}
	users int
}

var _ db.DBTX = (*Pool)(nil)

// NewPool returns a pool over another one, which the caller closes. Metrics are not registered with a nil registerer.
func NewPool(pool *pgxpool.Pool, registerer prometheus.Registerer) *Pool {
	p := &Pool{
		pool: pool, share: max(1, int(pool.Config().MaxConns)/callerShare), callers: map[string]*callerSlots{},
		waits: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_read_share_waits_total", Help: "Reads that waited because their caller used its share of connections.",
		}),
		late: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "ticketing_read_acquire_timeouts_total", Help: "Reads that got no connection in time.",
		}),
	}
	if registerer != nil {
		registerer.MustRegister(p.waits, p.late)
	}
	return p
}

type callerKey struct{}

// WithCaller returns a context whose reads are counted for a caller. Reads without one are the process's own and have no share.
func WithCaller(ctx context.Context, caller string) context.Context {
	return context.WithValue(ctx, callerKey{}, caller)
}

// Query implements db.DBTX. The connection is free again when the rows are closed or read to their end.
func (p *Pool) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	conn, release, err := p.acquire(ctx)
	if err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		release()
		return nil, err
	}
	return &pooledRows{Rows: rows, release: sync.OnceFunc(release)}, nil
}

// QueryRow implements db.DBTX.
func (p *Pool) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	conn, release, err := p.acquire(ctx)
	if err != nil {
		return failedRow{err}
	}
	return &pooledRow{row: conn.QueryRow(ctx, sql, args...), release: release}
}

// Exec implements db.DBTX.
func (p *Pool) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	conn, release, err := p.acquire(ctx)
	if err != nil {
		return pgconn.CommandTag{}, err
	}
	defer release()
	return conn.Exec(ctx, sql, args...)
}

// acquire waits for the caller's share, and then for a connection.
func (p *Pool) acquire(ctx context.Context) (conn *pgxpool.Conn, release func(), err error) {
	leave, err := p.enterShare(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("wait for an own read to end: %w", err)
	}
	limited, cancel := context.WithTimeout(ctx, acquireTimeout)
	defer cancel()
	if conn, err = p.pool.Acquire(limited); err != nil {
		leave()
		if ctx.Err() == nil && limited.Err() != nil {
			p.late.Inc()
		}
		return nil, nil, fmt.Errorf("wait for a connection to the read database: %w", err)
	}
	return conn, func() { conn.Release(); leave() }, nil
}

func (p *Pool) enterShare(ctx context.Context) (leave func(), err error) {
	caller, _ := ctx.Value(callerKey{}).(string)
	if caller == "" {
		return func() {}, nil
	}
	own := p.joinCaller(caller)
	select {
	case own.slots <- struct{}{}:
	default:
		p.waits.Inc()
		defer overload.Wait(ctx)()
		select {
		case own.slots <- struct{}{}:
		case <-ctx.Done():
			p.leaveCaller(caller, own)
			return nil, ctx.Err()
		}
	}
	return func() {
		<-own.slots
		p.leaveCaller(caller, own)
	}, nil
}

func (p *Pool) joinCaller(caller string) *callerSlots {
	p.mu.Lock()
	defer p.mu.Unlock()
	own := p.callers[caller]
	if own == nil {
		own = &callerSlots{slots: make(chan struct{}, p.share)}
		p.callers[caller] = own
	}
	own.users++
	return own
}

func (p *Pool) leaveCaller(caller string, own *callerSlots) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if own.users--; own.users == 0 {
		delete(p.callers, caller)
	}
}

// pooledRows gives the connection back with the last row.
type pooledRows struct {
	pgx.Rows

	release func()
}

// Next implements pgx.Rows.
func (r *pooledRows) Next() bool {
	more := r.Rows.Next()
	if !more {
		r.release() // pgx has closed the rows
	}
	return more
}

// Close implements pgx.Rows.
func (r *pooledRows) Close() {
	r.Rows.Close()
	r.release()
}

type pooledRow struct {
	row     pgx.Row
	release func()
}

// Scan implements pgx.Row.
func (r *pooledRow) Scan(dest ...any) error {
	defer r.release()
	return r.row.Scan(dest...)
}

type failedRow struct{ err error }

// Scan implements pgx.Row.
func (r failedRow) Scan(...any) error { return r.err }
