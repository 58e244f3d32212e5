package graph_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/commandtest"
	"ticketing/command/eventstore"
	"ticketing/graph"
	"ticketing/internal/auth"
	"ticketing/internal/mail"
	"ticketing/internal/ratelimit"
	"ticketing/internal/telemetry"
	"ticketing/internal/testenv"
	"ticketing/query"
)

// api is the API over a PostgreSQL, a Redis and a write side of its own. No projector runs: tests write the rows of the read tables.
type api struct {
	t       *testing.T
	url     string
	server  *graph.Server
	stop    context.CancelFunc // ends Run
	auth    *auth.Service
	redis   *redis.Client
	log     *lockedBuffer
	metrics *prometheus.Registry

	write       *commandtest.System
	read, users *pgxpool.Pool
	queries     *queryLog // of the read side, and those for users
}

type option func(*graph.Config)

func inProduction(c *graph.Config) { c.Development = false }

// newAPI returns an API of which every part is there.
func newAPI(t *testing.T, options ...option) *api {
	t.Helper()
	return startAPI(t, testenv.Databases(t), options)
}

// newReadAPI returns an API without a write side, which takes less time to start.
func newReadAPI(t *testing.T, options ...option) *api {
	t.Helper()
	return startAPI(t, testenv.DB{Events: noDatabase, Read: testenv.ReadDatabase(t), Auth: testenv.AuthDatabase(t)}, options)
}

// newBareAPI returns an API without databases, for tests of the protocol: users can't sign in, and nothing can be read.
func newBareAPI(t *testing.T, options ...option) *api {
	t.Helper()
	return startAPI(t, testenv.DB{Events: noDatabase, Read: noDatabase, Auth: noDatabase}, options)
}

const noDatabase = "postgres://127.0.0.1:1/none"

func startAPI(t *testing.T, urls testenv.DB, options []option) *api {
	t.Helper()
	a := &api{t: t, log: &lockedBuffer{}, metrics: prometheus.NewRegistry(), queries: &queryLog{}}
	a.write = &commandtest.System{Service: &command.Service{}, Pool: a.openPool(noDatabase, nil)}
	if urls.Events != noDatabase {
		a.write = commandtest.New(t, commandtest.Config{Database: urls.Events, Texts: auth.NewTexts(a.openPool(urls.Auth, nil))})
	}
	a.read, a.users = a.openPool(urls.Read, nil), a.openPool(urls.Auth, nil)
	redisURL, err := redis.ParseURL(testenv.Redis(t))
	require.NoError(t, err)
	a.redis = redis.NewClient(redisURL)
	t.Cleanup(func() { _ = a.redis.Close() })
	a.auth = a.newAuth(urls.Auth)
	logger, err := telemetry.NewLogger(a.log, "debug", true)
	require.NoError(t, err)

	plenty := ratelimit.Limit{Requests: 100_000, Window: time.Minute}
	limiter := ratelimit.New(a.redis)
	traced := a.openPool(urls.Read, a.queries)
	cfg := graph.Config{
		Commands: a.write.Service, Reads: query.NewReader(traced),
		Projections: query.NewProjections(query.ProjectionsConfig{
			Read: a.read, Events: a.write.Pool, Topics: map[string]string{"payment": "t"}, Categories: map[string][]string{"sales": {"payment"}},
		}),
		Auth: a.auth, Log: eventstore.Reader{DB: a.write.Pool}, Limiter: limiter, Connections: ratelimit.NewConnections(limiter),
		Redis: a.redis, Logger: logger, Registerer: a.metrics, Development: true, BaseURL: "https://tickets.example.com",
		ReturnOrigins: []string{"https://shop.example.org"},
		RateLimits:    graph.RateLimits{SignIn: ratelimit.SignIn(plenty.Requests, plenty.Window), Guests: plenty, Mutations: plenty, Messages: plenty, ReadsPerUser: 1 << 30, ReadsPerIP: 1 << 30},
	}
	for _, o := range options {
		o(&cfg)
	}
	a.server, err = graph.New(cfg)
	require.NoError(t, err)
	a.serve()
	return a
}

func (a *api) openPool(url string, tracer pgx.QueryTracer) *pgxpool.Pool {
	a.t.Helper()
	cfg, err := pgxpool.ParseConfig(url)
	require.NoError(a.t, err)
	cfg.ConnConfig.Tracer = tracer
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	require.NoError(a.t, err)
	a.t.Cleanup(pool.Close)
	return pool
}

func (a *api) newAuth(url string) *auth.Service {
	a.t.Helper()
	service, err := auth.New(auth.Config{
		Pool: a.openPool(url, ofPeople{a.queries}), Redis: a.redis, Mailer: noMail{}, Logger: slog.New(slog.DiscardHandler),
		BaseURL: "https://tickets.example.com", MagicLinkTTL: time.Hour, SessionTTL: time.Hour, SessionIdle: time.Hour, SessionMax: time.Hour,
		MaxSessions: 100, ExposeMagicLinks: true,
	})
	require.NoError(a.t, err)
	a.t.Cleanup(func() { _ = service.Close(context.Background()) })
	return service
}

func (a *api) serve() {
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- a.server.Run(ctx) }()
	web := httptest.NewUnstartedServer(a.server)
	web.Config.ReadTimeout, web.Config.IdleTimeout = time.Second, time.Minute // operations and streams take longer than reading them
	web.Start()
	a.url, a.stop = web.URL, stop
	a.t.Cleanup(func() {
		stop()
		require.NoError(a.t, <-ended)
		web.Close() // waits for streams
	})
}

type noMail struct{}

func (noMail) Send(context.Context, mail.Message) error { return nil }

// queryLog records the queries of a pool.
type queryLog struct {
	mu      sync.Mutex
	queries []string
}

// TraceQueryStart implements pgx.QueryTracer.
func (l *queryLog) TraceQueryStart(ctx context.Context, _ *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queries = append(l.queries, data.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (*queryLog) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// take returns the queries since the last call.
func (l *queryLog) take() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.queries
	l.queries = nil
	return taken
}

// count returns how many queries contain the text.
func (l *queryLog) count(text string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := 0
	for _, q := range l.queries {
		if strings.Contains(q, text) {
			n++
		}
	}
	return n
}

// ofPeople records the queries of auth.Service.Users and HolderNames, and no others.
type ofPeople struct{ *queryLog }

// TraceQueryStart implements pgx.QueryTracer.
func (p ofPeople) TraceQueryStart(ctx context.Context, conn *pgx.Conn, data pgx.TraceQueryStartData) context.Context {
	ofUsers := strings.Contains(data.SQL, "u.id = ANY") && !strings.Contains(data.SQL, "erased_at IS NULL")
	if ofUsers || strings.Contains(data.SQL, "FROM ticket_holders") {
		return p.queryLog.TraceQueryStart(ctx, conn, data)
	}
	return ctx
}

// lockedBuffer is a log that is written and read at the same time.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// response is a GraphQL response.
type response struct {
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	status int
	header http.Header
	body   string
}

// code returns the code of the first error.
func (r response) code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	code, _ := r.Errors[0].Extensions["code"].(string)
	return code
}

// field returns the object at the path in the data.
func (r response) field(t *testing.T, path ...string) map[string]any {
	t.Helper()
	require.Empty(t, r.Errors, r.body)
	object := r.Data
	for _, name := range path {
		next, ok := object[name].(map[string]any)
		require.True(t, ok, "no %s: %s", name, r.body)
		object = next
	}
	return object
}

// userError returns the code and the field of a payload's first user error.
func (r response) userError(t *testing.T, mutation string) (code string, field []any) {
	t.Helper()
	errs := r.field(t, mutation)["userErrors"].([]any)
	require.NotEmpty(t, errs, r.body)
	first := errs[0].(map[string]any)
	field, _ = first["field"].([]any)
	return first["code"].(string), field
}

type vars map[string]any

func encode(t *testing.T, value any) string {
	t.Helper()
	text, err := json.Marshal(value)
	require.NoError(t, err)
	return string(text)
}

// do posts an operation. header is pairs of names and values.
func (a *api) do(query string, variables vars, header ...string) response {
	a.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	require.NoError(a.t, err)
	return a.post(string(body), header...)
}

func (a *api) post(body string, header ...string) response {
	a.t.Helper()
	r, err := http.NewRequest(http.MethodPost, a.url, bytes.NewBufferString(body))
	require.NoError(a.t, err)
	r.Header.Set("Content-Type", "application/json")
	return a.send(r, header...)
}

func (a *api) send(r *http.Request, header ...string) response {
	a.t.Helper()
	for i := 0; i < len(header); i += 2 {
		if header[i] == "Host" {
			r.Host = header[i+1]
		}
		r.Header.Set(header[i], header[i+1])
	}
	got, err := http.DefaultClient.Do(r)
	require.NoError(a.t, err)
	defer got.Body.Close()
	body, err := io.ReadAll(got.Body)
	require.NoError(a.t, err)
	parsed := response{status: got.StatusCode, header: got.Header, body: string(body)}
	_ = json.Unmarshal(body, &parsed)
	return parsed
}
