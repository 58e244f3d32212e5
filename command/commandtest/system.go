// Package commandtest assembles the write side for tests: the engine, the use cases and the gateways over a log of its own on a real
// PostgreSQL, and an event on sale where one is needed. What a test does not configure has a default that it need not know.
package commandtest

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/gateway"
	"ticketing/command/gateway/sandbox"
	"ticketing/internal/testenv"
)

// Config is what a test may want to be different.
type Config struct {
	Database  string                // URL of an events database. Default for New: a fresh one. Required for Start.
	Configure func(*pgxpool.Config) // changes the connections to it. Default: nothing is changed.
	Gateways  command.Gateways      // Default: a router to Gateway.
	Gateway   gateway.Gateway       // Default: the sandbox on the same database.
	// Wrap changes the gateways. Default: nothing is changed.
	Wrap   func(command.Gateways) command.Gateways
	Texts  command.Texts // Default: texts are not kept, but have ids.
	Hold   time.Duration // Default: 1h.
	Logger *slog.Logger  // Default: nothing is logged.
}

func (c Config) withDefaults() Config {
	if c.Configure == nil {
		c.Configure = func(*pgxpool.Config) {}
	}
	if c.Wrap == nil {
		c.Wrap = func(g command.Gateways) command.Gateways { return g }
	}
	if c.Texts == nil {
		c.Texts = forgetful{}
	}
	if c.Hold == 0 {
		c.Hold = time.Hour
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// forgetful keeps no text.
type forgetful struct{}

func (forgetful) KeepText(context.Context, string, string, string) error { return nil }

// System is a replica of the write side that runs.
type System struct {
	*command.Service

	Pool   *pgxpool.Pool // of the events database
	Engine *engine.Engine
	URL    string // of the events database

	stop func()
}

// New starts a system that runs until the test ends.
func New(t testing.TB, c Config) *System {
	t.Helper()
	if c.Database == "" {
		c.Database = testenv.EventsDatabase(t)
	}
	s := Start(t, c)
	t.Cleanup(s.Stop)
	return s
}

// Start starts a system that runs until Stop. Several on one database are replicas.
func Start(t require.TestingT, c Config) *System {
	c = c.withDefaults()
	config, err := pgxpool.ParseConfig(c.Database)
	require.NoError(t, err)
	c.Configure(config)
	pool, err := pgxpool.NewWithConfig(context.Background(), config)
	require.NoError(t, err)
	if c.Gateways == nil {
		c.Gateways = newRouter(t, c, pool)
	}
	e := engine.New(engine.Config{Pool: pool, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Logger: c.Logger})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- e.Run(ctx) }()
	return &System{
		Service: command.New(command.Config{Engine: e, Gateways: c.Wrap(c.Gateways), Hold: c.Hold, Texts: c.Texts, Logger: c.Logger}),
		Pool:    pool, Engine: e, URL: c.Database,
		stop: sync.OnceFunc(func() {
			cancel()
			if err := <-ended; err != nil { // a test may have broken its connections
				c.Logger.Warn("the engine ended", "error", err)
			}
			pool.Close()
		}),
	}
}

// Stop finishes the commands that were accepted and stops the system.
func (s *System) Stop() { s.stop() }

func newRouter(t require.TestingT, c Config, pool *pgxpool.Pool) command.Gateways {
	if c.Gateway == nil {
		c.Gateway = sandbox.New(pool)
	}
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: []gateway.Gateway{c.Gateway}, Enabled: []string{c.Gateway.Name()}, Timeout: testenv.Patience, Logger: c.Logger,
	})
	require.NoError(t, err)
	return router
}
