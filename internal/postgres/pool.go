// Package postgres opens connection pools, and creates and migrates databases. It knows no table.
package postgres

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Config bounds a pool.
type Config struct {
	ApplicationName  string        // What pg_stat_activity shows. Default: none.
	MaxConnections   int           // Default: pgx's, the greater of 4 and the number of CPUs.
	MinConnections   int           // Kept open even when idle. Default: 0.
	ConnectTimeout   time.Duration // Of one attempt. Default: as long as the context allows.
	StatementTimeout time.Duration // The server cancels a statement that takes longer. Default: none.
}

// NewPool opens a pool and waits for its first connection, so that a wrong URL shows at the start. The caller closes the pool.
func NewPool(ctx context.Context, url string, c Config) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err) // pgx leaves the password out
	}
	c.applyTo(cfg)
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open a connection pool: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return pool, nil
}

func (c Config) applyTo(pool *pgxpool.Config) {
	if c.MaxConnections > 0 {
		pool.MaxConns = int32(min(c.MaxConnections, 1<<20))
	}
	pool.MinConns = min(int32(max(c.MinConnections, 0)), pool.MaxConns) //nolint:gosec // bounded by MaxConns
	pool.ConnConfig.ConnectTimeout = c.ConnectTimeout
	params := pool.ConnConfig.RuntimeParams
	if c.ApplicationName != "" {
		params["application_name"] = c.ApplicationName
	}
	if c.StatementTimeout > 0 {
		params["statement_timeout"] = strconv.FormatInt(max(c.StatementTimeout.Milliseconds(), 1), 10)
	}
}
