// Package postgres opens connection pools, and creates and migrates databases. It knows no table.
package postgres

import (
	"cmp"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/internal/loopback"
	"ticketing/internal/network"
	"ticketing/internal/supervise"
)

// Config bounds a pool.
type Config struct {
	ApplicationName  string           // What pg_stat_activity shows. Default: none.
	MaxConnections   int              // Default: pgx's, the greater of 4 and the number of CPUs.
	MinConnections   int              // Kept open even when idle. Default: 0.
	ConnectTimeout   time.Duration    // Of one attempt. Default: as long as the context allows.
	StatementTimeout time.Duration    // The server cancels a statement that takes longer. Default: none.
	TransactionIdle  time.Duration    // The server ends a session that does nothing for longer in a transaction. Default: none.
	Pooler           bool             // The address is a pooler in transaction mode. Default: PostgreSQL itself.
	Dial             network.DialFunc // Default: network.Dial.
	Logger           *slog.Logger     // Default: slog.Default().
	// VerifyConnection looks at each connection by TLS, as tls.Config's does. Default: nothing more is looked at.
	VerifyConnection func(tls.ConnectionState) error
}

const (
	// silenceGrace is how much longer than the server's own limit a statement is waited for: a server that is there has said by then that
	// it cancelled it. Without it, a connection that is silently gone is waited for without end.
	silenceGrace = 2 * time.Second
	// An idle connection is tried before it is used, in case it is gone; pingTimeout bounds that.
	pingAfter, pingTimeout = time.Second, time.Second
	// maxIdle is how long a connection beyond MinConnections stays open unused: PostgreSQL has few, and others need them.
	maxIdle, idleCheck = time.Minute, 15 * time.Second
)

// Pool is a connection pool that reports how long its statements wait.
type Pool struct {
	*pgxpool.Pool

	dialer *network.Dialer
	opened atomic.Pointer[pgxpool.Pool] // Pool, for the hooks of its connections, which may run before it is set
}

// Waiting returns for how long the statement that waits longest has waited for the server.
func (p *Pool) Waiting() time.Duration { return p.dialer.Waiting() }

// NewPool opens a pool and waits for its first connection, so that a wrong URL shows at the start. The caller closes the pool.
func NewPool(ctx context.Context, address string, c Config) (*pgxpool.Pool, error) {
	p, err := Open(ctx, address, c)
	if err != nil {
		return nil, err
	}
	return p.Pool, nil
}

// Open is NewPool for those who ask how long statements wait.
func Open(ctx context.Context, address string, c Config) (*Pool, error) {
	cfg, err := pgxpool.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("parse the database URL: %w", err) // pgx leaves the password out
	}
	c.Logger = cmp.Or(c.Logger, slog.Default())
	p := &Pool{}
	withoutTLSOnThisMachine(address, cfg.ConnConfig)
	c.applyTo(cfg)
	c.findSilence(cfg, p)
	traceStatements(cfg.ConnConfig)
	if p.Pool, err = pgxpool.NewWithConfig(ctx, cfg); err != nil {
		return nil, fmt.Errorf("open a connection pool: %w", err)
	}
	p.opened.Store(p.Pool)
	if err := p.Ping(ctx); err != nil {
		p.Close()
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	return p, nil
}

// withoutTLSOnThisMachine leaves out the attempt by TLS that pgx makes first when a URL does not say what it wants: the errors of all other
// attempts would begin with its failure.
func withoutTLSOnThisMachine(address string, c *pgx.ConnConfig) {
	u, err := url.Parse(address)
	if err != nil || u.Query().Has("sslmode") || os.Getenv("PGSSLMODE") != "" || !loopback.Is(c.Host) {
		return
	}
	c.TLSConfig = nil
	c.Fallbacks = slices.DeleteFunc(c.Fallbacks, func(f *pgconn.FallbackConfig) bool {
		return loopback.Is(f.Host) && (f.TLSConfig != nil || f.Host == c.Host && f.Port == c.Port)
	})
}

func (c Config) applyTo(pool *pgxpool.Config) {
	if c.MaxConnections > 0 {
		pool.MaxConns = int32(min(c.MaxConnections, 1<<20))
	}
	pool.MinConns = min(int32(max(c.MinConnections, 0)), pool.MaxConns) //nolint:gosec // bounded by MaxConns
	pool.MaxConnIdleTime, pool.HealthCheckPeriod = maxIdle, idleCheck
	pool.ConnConfig.ConnectTimeout = c.ConnectTimeout
	c.verifyTLS(pool.ConnConfig)
	params := pool.ConnConfig.RuntimeParams
	if c.ApplicationName != "" {
		params["application_name"] = c.ApplicationName
	}
	if c.Pooler {
		// Each statement may run on another connection: none that was prepared is there again, and a setting would be another client's.
		pool.ConnConfig.DefaultQueryExecMode = pgx.QueryExecModeCacheDescribe
		return
	}
	for name, limit := range map[string]time.Duration{
		"statement_timeout": c.StatementTimeout, "idle_in_transaction_session_timeout": c.TransactionIdle,
	} {
		if limit > 0 {
			params[name] = strconv.FormatInt(max(limit.Milliseconds(), 1), 10)
		}
	}
}

// verifyTLS has all connections by TLS looked at.
func (c Config) verifyTLS(connection *pgx.ConnConfig) {
	configs := []*tls.Config{connection.TLSConfig}
	for _, other := range connection.Fallbacks {
		configs = append(configs, other.TLSConfig)
	}
	for _, config := range configs {
		if config != nil {
			config.VerifyConnection = c.VerifyConnection
		}
	}
}

// findSilence has all connections bound their reads. The idle ones are dropped once one was found lost: what took that one has taken them,
// too, and each would have to be tried in turn.
func (c Config) findSilence(pool *pgxpool.Config, p *Pool) {
	fault := supervise.NewFault("reaching PostgreSQL", c.Logger.With("pool", c.ApplicationName, "database", pool.ConnConfig.Database))
	lost := func(err error) {
		fault.Note(context.Background(), err)
		if opened := p.opened.Load(); opened != nil {
			opened.Reset()
		}
	}
	silence := network.Config{Dial: c.Dial, OnSilent: lost, OnFailure: lost}
	if c.StatementTimeout > 0 {
		silence.Silence = c.StatementTimeout + silenceGrace
	}
	p.dialer = network.New(silence)
	pool.ConnConfig.DialFunc = p.dialer.DialContext
	pool.AfterConnect = func(ctx context.Context, _ *pgx.Conn) error {
		fault.Note(ctx, nil)
		return nil
	}
	pool.ShouldPing = func(ctx context.Context, idle pgxpool.ShouldPingParams) bool {
		if idle.IdleDuration < pingAfter {
			return false
		}
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingTimeout)
		defer cancel()
		err := idle.Conn.Ping(ctx)
		if err != nil {
			lost(err)
		}
		return err != nil // the pool finds it closed and takes another one
	}
	pool.PingTimeout = pingTimeout
}
