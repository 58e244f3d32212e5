package testenv

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"ticketing/internal/postgres"
)

// DB holds the URLs of three fresh, migrated databases.
type DB struct{ Events, Read, Auth string }

// Databases creates three databases for a test, which are dropped when it is over. Their server is started once per test process and does
// not sync to the disk, so it is no server for tests of durability.
func Databases(t testing.TB) DB {
	t.Helper()
	s := sharedServer(t)
	var db DB
	var group errgroup.Group
	for template, url := range map[*template]*string{&s.events: &db.Events, &s.read: &db.Read, &s.auth: &db.Auth} {
		group.Go(func() (err error) {
			*url, err = s.createDatabase(template)
			return err
		})
	}
	err := group.Wait()
	t.Cleanup(func() { s.dropDatabases(t, db.Events, db.Read, db.Auth) })
	require.NoError(t, err)
	return db
}

// EventsDatabase creates only the log's database.
func EventsDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.createOne(t, &s.events)
}

// ReadDatabase creates only the database of the read tables.
func ReadDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.createOne(t, &s.read)
}

// AuthDatabase creates only the database of the users.
func AuthDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.createOne(t, &s.auth)
}

// EmptyDatabase creates a database without any table.
func EmptyDatabase(t testing.TB) string {
	t.Helper()
	s := sharedServer(t)
	return s.createOne(t, &s.empty)
}

// server is the PostgreSQL of a test process, with a migrated template of each kind of database.
type server struct {
	url                       string
	helper                    *helper // referenced so that its pipe is not collected and closed, which would stop it
	events, read, auth, empty template
	created                   atomic.Int64
}

// migrationsOf returns the migrations of a database as they are in the source tree: package migrations is outside internal, and tests always
// run somewhere below the tree's root.
func migrationsOf(database string) fs.FS {
	folder := filepath.Join("migrations", database)
	for range 10 {
		if _, err := os.Stat(folder); err == nil {
			break
		}
		folder = filepath.Join("..", folder)
	}
	absolute, err := filepath.Abs(folder)
	if err != nil {
		panic("find the migrations: " + err.Error()) // only without a working directory
	}
	return os.DirFS(absolute)
}

type template struct {
	name  string
	files fs.FS
	once  sync.Once
	err   error
}

var shared = sync.OnceValues(startServer)

func sharedServer(t testing.TB) *server {
	t.Helper()
	needServer(t)
	s, err := shared()
	require.NoError(t, err)
	return s
}

func startServer() (*server, error) {
	folder, err := os.MkdirTemp("", "ticketing-test-")
	if err != nil {
		return nil, fmt.Errorf("start the test server: %w", err)
	}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the server's user passes through it
		return nil, fmt.Errorf("start the test server: %w", err)
	}
	h, err := startHelper(folder, job{Postgres: folder})
	if err != nil {
		return nil, err
	}
	return &server{
		url:    h.ready,
		helper: h,
		events: template{name: "template_events", files: migrationsOf("events")},
		read:   template{name: "template_read", files: migrationsOf("read")},
		auth:   template{name: "template_auth", files: migrationsOf("auth")},
		empty:  template{name: "template0"},
	}, nil
}

func (s *server) createOne(t testing.TB, from *template) string {
	t.Helper()
	url, err := s.createDatabase(from)
	require.NoError(t, err)
	t.Cleanup(func() { s.dropDatabases(t, url) })
	return url
}

// migrateTemplate fills a template when it is first used: most test processes use only one.
func (s *server) migrateTemplate(ctx context.Context, from *template) error {
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

func (s *server) createDatabase(from *template) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), startTimeout)
	defer cancel()
	if err := s.migrateTemplate(ctx, from); err != nil {
		return "", err
	}
	name := fmt.Sprintf("test_%d", s.created.Add(1))
	err := s.exec(ctx, `CREATE DATABASE `+pgx.Identifier{name}.Sanitize()+` TEMPLATE `+pgx.Identifier{from.name}.Sanitize())
	if err != nil {
		return "", err
	}
	return postgres.WithDatabase(s.url, name)
}

// dropDatabases drops databases, even if the test left connections open. It skips "", a database that was not created.
func (s *server) dropDatabases(t testing.TB, urls ...string) {
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
		require.NoError(t, err)
	}
}

func (s *server) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.url)
	if err != nil {
		return fmt.Errorf("connect to the test server: %w", err)
	}
	_, err = conn.Exec(ctx, sql)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return fmt.Errorf("run %s: %w", sql, err)
	}
	return nil
}
