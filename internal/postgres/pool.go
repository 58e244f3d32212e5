// Package postgres opens connection pools, creates databases and migrates them. It knows no table.
package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Options bounds a pool. The zero value is pgx's defaults, with no statement timeout.
type Options struct {
	ApplicationName  string        // what pg_stat_activity shows
	MaxConnections   int           // 0: pgx's default, the greater of 4 and the number of CPUs
	MinConnections   int           // kept open even when idle
	ConnectTimeout   time.Duration // of one attempt; 0: none but the context's
	StatementTimeout time.Duration // the server cancels what takes longer; 0: never
	// TCPUserTimeout is after how long the server gives up a client that acknowledges nothing any more, so that what it locked is
	// free again; 0: the kernel's default, a quarter of an hour.
	TCPUserTimeout time.Duration
	// IdleInTransactionTimeout is after how long the server ends a session that stopped inside a transaction; 0: never.
	IdleInTransactionTimeout time.Duration
	Tracer                   pgx.QueryTracer // nil: none
}

// NewPool opens a pool and waits until its first connection answers, so that a wrong URL shows at the start. The caller closes it.
func NewPool(ctx context.Context, url string, o Options) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err) // pgx leaves the password out
	}
	o.apply(cfg)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("postgres: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("postgres: %w", err)
	}
	return pool, nil
}

func (o Options) apply(cfg *pgxpool.Config) {
	if o.MaxConnections > 0 {
		cfg.MaxConns = int32(min(o.MaxConnections, 1<<20))
	}
	cfg.MinConns = min(int32(max(o.MinConnections, 0)), cfg.MaxConns) //nolint:gosec // bounded by MaxConns
	cfg.ConnConfig.ConnectTimeout = o.ConnectTimeout
	cfg.ConnConfig.Tracer = o.Tracer
	params := cfg.ConnConfig.RuntimeParams
	if o.ApplicationName != "" {
		params["application_name"] = o.ApplicationName
	}
	for name, d := range map[string]time.Duration{
		"statement_timeout":                   o.StatementTimeout,
		"tcp_user_timeout":                    o.TCPUserTimeout,
		"idle_in_transaction_session_timeout": o.IdleInTransactionTimeout,
	} {
		if d > 0 {
			params[name] = strconv.FormatInt(max(d.Milliseconds(), 1), 10)
		}
	}
}
