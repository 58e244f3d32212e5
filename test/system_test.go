package test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/cmd/parts"
	"ticketing/internal/config"
	"ticketing/internal/testenv"
)

// holdDuration is how long seats are held; tests move the clock instead of waiting.
const holdDuration = 5 * time.Minute

const adminEmail = "admin@example.com"

// system runs all parts of the platform in this process, on databases, a Redis and a broker of its own. Its clock can be moved.
type system struct {
	t     testing.TB
	url   string
	cfg   config.Config
	clock *testenv.Clock

	mu            sync.Mutex
	signedInUsers map[string]*client
}

// newEnvironment returns the configuration of a new system or platform, with its own databases, Redis and broker. Tests may change it.
func newEnvironment(t testing.TB) map[string]string {
	t.Helper()
	return newEnvironmentOn(t, testenv.Databases(t), testenv.Redis(t), testenv.Broker(t, 3)[0])
}

// newEnvironmentOn is newEnvironment with the servers that are given.
func newEnvironmentOn(t testing.TB, db testenv.DB, redisURL, brokers string) map[string]string {
	t.Helper()
	return map[string]string{
		"ENVIRONMENT": "test", "DATABASE_URL": db.Events, "PROJECTION_DATABASE_URL": db.Read, "AUTH_DATABASE_URL": db.Auth,
		"REDIS_URL": redisURL, "REDPANDA_BROKERS": brokers, "DATA_DIR": t.TempDir(), "LOG_LEVEL": "warn",
		"DATABASE_MAX_CONNECTIONS": "6", "DATABASE_MIN_CONNECTIONS": "1", "ADMIN_EMAILS": adminEmail, "RESERVATION_HOLD": holdDuration.String(),
		"AUTH_EXPOSE_MAGIC_LINKS_FOR_TESTING": "true", "AUTH_RATE_LIMIT_REQUESTS": "100000", "GUEST_RATE_LIMIT_REQUESTS": "100000", "MUTATION_RATE_LIMIT_REQUESTS": "100000", "READ_RATE_LIMIT_PER_USER": "1000000000", "READ_RATE_LIMIT_PER_IP": "1000000000",
		"MAX_UNPAID_RESERVATIONS": "100000",
	}
}

// startSystem runs a system until the test is over.
func startSystem(t testing.TB) *system {
	t.Helper()
	return startSystemIn(t, newEnvironment(t))
}

// startSystemIn is startSystem with a changed environment.
func startSystemIn(t testing.TB, env map[string]string) *system {
	t.Helper()
	cfg, err := config.Load(env)
	require.NoError(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	s := &system{t: t, url: "http://" + listener.Addr().String(), cfg: cfg, clock: testenv.NewClock(t, cfg.EventsURL), signedInUsers: map[string]*client{}}
	if env["AUTH_BASE_URL"] == "" {
		s.cfg.AuthBaseURL = s.url // mailed links use the port that was chosen
	}
	e := parts.Env{Config: s.cfg, Logger: newLogger(), Registry: prometheus.NewRegistry()}
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return parts.API(ctx, e, listener) })
	g.Go(func() error { return parts.Relay(ctx, e) })
	g.Go(func() error { return parts.Projector(ctx, e) })
	g.Go(func() error { return parts.Saga(ctx, e) })
	t.Cleanup(func() {
		cancel()
		if err := g.Wait(); !errors.Is(err, context.Canceled) { // a part may still be starting when a short test ends
			require.NoError(t, err)
		}
	})
	return s
}

// newLogger is silent unless TEST_LOG is set.
func newLogger() *slog.Logger {
	if os.Getenv("TEST_LOG") == "" {
		return slog.New(slog.DiscardHandler)
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil))
}

// admin returns the admin, signed in.
func (s *system) admin() *client { return s.signedIn(adminEmail) }

// customer returns a signed-in customer.
func (s *system) customer(name string) *client { return s.signedIn(name + "@example.com") }

// organizer returns a signed-in organizer.
func (s *system) organizer(name string) *client {
	s.t.Helper()
	c := s.customer(name)
	_, wrong := s.admin().changeUser("grantRole", "RoleInput", vars{"userId": c.id, "role": "ORGANIZER"})
	require.Empty(s.t, wrong)
	return c
}

func (s *system) signedIn(email string) *client {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.signedInUsers[email] == nil {
		s.signedInUsers[email] = signIn(s.t, s.url, email)
	}
	return s.signedInUsers[email]
}

// logLength returns the number of domain events.
func (s *system) logLength() int {
	s.t.Helper()
	return queryCount(s.t, s.cfg.EventsURL, `SELECT count(*) FROM domain_events`)
}

func queryCount(t testing.TB, url, query string, args ...any) int {
	return queryValue[int](t, url, query, args...)
}

func queryText(t testing.TB, url, query string, args ...any) string {
	return queryValue[string](t, url, query, args...)
}

// queryValue returns the only value of a query.
func queryValue[T any](t testing.TB, url, query string, args ...any) (value T) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	require.NoError(t, err)
	defer conn.Close(context.WithoutCancel(t.Context()))
	require.NoError(t, conn.QueryRow(t.Context(), query, args...).Scan(&value), fmt.Sprint(query, args))
	return value
}
