package testenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/migrations"
	"ticketing/internal/postgres"
)

// DB is the URLs of three fresh, migrated databases.
type DB struct{ Events, Read, Auth string }

// Databases makes three databases for a test; they are dropped when it is over. The server behind them is started once a test process
// and does not sync to the disk, so it is not for tests about durability.
func Databases(t testing.TB) DB {
	t.Helper()
	s := sharedServer(t)
	var db DB
	var group errgroup.Group
	for template, url := range map[*template]*string{&s.events: &db.Events, &s.read: &db.Read, &s.auth: &db.Auth} {
		group.Go(func() (err error) {
			*url, err = s.create(template)
			return err
		})
	}
	err := group.Wait()
	t.Cleanup(func() { s.drop(t, db.Events, db.Read, db.Auth) })
	if err != nil {
		t.Fatal(err)
	}
	return db
}

// EventsDatabase makes the log's database for a test that needs no other.
func EventsDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.one(t, &s.events)
}

// ReadDatabase makes the read tables' database for a test that needs no other.
func ReadDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.one(t, &s.read)
}

// AuthDatabase makes the users' database for a test that needs no other.
func AuthDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.one(t, &s.auth)
}

// EmptyDatabase makes a database without any table.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.one(t, &s.empty)
}

// server is the PostgreSQL of a test process, with a migrated database of each kind to copy from.
type server struct {
	url                       string
	helper                    *helper // kept: a collected pipe is closed, and the end of its stdin stops the helper
	events, read, auth, empty template
	made                      atomic.Int64
}

type template struct {
	name  string
	files fs.FS
	once  sync.Once
	err   error
}

var shared = sync.OnceValues(startServer) //nolint:gochecknoglobals // one server a test process is the point

func sharedServer(t testing.TB) *server {
	t.Helper()
	s, err := shared()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func startServer() (*server, error) {
	folder, err := os.MkdirTemp("", "ticketing-test-")
	if err != nil {
		return nil, fmt.Errorf("testenv: %w", err)
	}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the server's user passes through it
		return nil, fmt.Errorf("testenv: %w", err)
	}
	h, err := startHelper(folder, job{Postgres: folder})
	if err != nil {
		return nil, err
	}
	return &server{
		url:    h.ready,
		helper: h,
		events: template{name: "template_events", files: migrations.Events},
		read:   template{name: "template_read", files: migrations.Read},
		auth:   template{name: "template_auth", files: migrations.Auth},
		empty:  template{name: "template0"},
	}, nil
}

func (s *server) one(t testing.TB, from *template) string {
	t.Helper()
	url, err := s.create(from)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.drop(t, url) })
	return url
}

// migrate makes a template at its first use: most test processes use only one.
func (s *server) migrate(ctx context.Context, from *template) error {
	from.once.Do(func() {
		if from.files == nil {
			return
		}
		url, err := postgres.WithDatabase(s.url, from.name)
		if err == nil {
			err = postgres.EnsureDatabase(ctx, s.url, from.name)
		}
		if err == nil {
			err = postgres.Migrate(ctx, url, from.files)
		}
		from.err = err
	})
	return from.err
}

func (s *server) create(from *template) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.migrate(ctx, from); err != nil {
		return "", err
	}
	name := fmt.Sprintf("test_%d", s.made.Add(1))
	err := s.exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+` TEMPLATE `+pgx.Identifier{from.name}.Sanitize())
	if err != nil {
		return "", err
	}
	return postgres.WithDatabase(s.url, name)
}

// drop drops databases, also when the test left connections open. "" is one that was not made.
func (s *server) drop(t testing.TB, urls ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	for _, url := range urls {
		if url == "" {
			continue
		}
		cfg, err := pgx.ParseConfig(url)
		if err == nil {
			err = s.exec(ctx, `DROP DATABASE `+pgx.Identifier{cfg.Database}.Sanitize()+` WITH (FORCE)`)
		}
		if err != nil {
			t.Errorf("testenv: drop: %v", err)
		}
	}
}

func (s *server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("testenv: %w", err)
	}
	return nil
}
