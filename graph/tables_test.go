package graph_test

import (
	"context"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/telemetry"
	"ticketing/internal/testenv"
	"ticketing/query"
)

// tables are an API over real read tables, which counts its queries.
type tables struct {
	*api

	pool   *pgxpool.Pool // not counted
	counts *queryCount
}

// queryCount counts the queries of a pool, and those for users.
type queryCount struct {
	*fakePeople

	mu      sync.Mutex
	queries []string
}

func (c *queryCount) add(query string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.queries = append(c.queries, query)
}

// take answers the queries since it was called last.
func (c *queryCount) take() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	taken := c.queries
	c.queries = nil
	return taken
}

// TraceQueryStart implements pgx.QueryTracer.
func (c *queryCount) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	c.add(data.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (c *queryCount) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// Users implements graph.People.
func (c *queryCount) Users(ctx context.Context, ids []string) (map[string]auth.User, error) {
	c.add("users")
	return c.fakePeople.Users(ctx, ids)
}

// newTables answers an API over real read tables, which are empty.
func newTables(t *testing.T) tables {
	t.Helper()
	people := newFakePeople()
	w := tables{api: &api{t: t, people: people, log: &lockedBuffer{}}, counts: &queryCount{fakePeople: people}}
	cfg, err := pgxpool.ParseConfig(testenv.ReadDatabase(t))
	require.NoError(t, err)
	w.pool, err = pgxpool.NewWithConfig(t.Context(), cfg)
	require.NoError(t, err)
	t.Cleanup(w.pool.Close)
	counted := cfg.Copy()
	counted.ConnConfig.Tracer = w.counts
	pool, err := pgxpool.NewWithConfig(t.Context(), counted)
	require.NoError(t, err)
	t.Cleanup(pool.Close)
	logger, err := telemetry.NewLogger(w.log, "debug", true)
	require.NoError(t, err)
	rdb := redis.NewClient(&redis.Options{Addr: "127.0.0.1:1"})
	t.Cleanup(func() { _ = rdb.Close() })
	server, err := graph.New(graph.Config{
		Commands: &fakeCommands{}, Reads: query.NewReader(pool), Projections: fakeProjections{}, People: w.counts, Log: &fakeLog{}, Limiter: &fakeLimiter{},
		Connections: &fakeLimiter{}, Redis: rdb, Logger: logger, Development: true,
	})
	require.NoError(t, err)
	web := httptest.NewServer(server)
	t.Cleanup(web.Close)
	w.url = web.URL
	return w
}

func (w tables) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := w.pool.Exec(w.t.Context(), sql, args...)
	require.NoError(w.t, err)
}
