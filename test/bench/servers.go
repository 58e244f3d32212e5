package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/internal/postgres"
	"ticketing/internal/services"
)

// servers are private to this run, below a temporary folder.
type servers struct {
	folder   string
	postgres *services.Postgres
}

// startServers starts PostgreSQL with fsync on and nothing tuned for the benchmark.
func startServers(ctx context.Context) (*servers, error) {
	folder, err := os.MkdirTemp("", "ticketing-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &servers{folder: folder}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the servers' users pass through it
		return nil, errors.Join(fmt.Errorf("open the folder: %w", err), s.stopAll())
	}
	s.postgres, err = services.StartPostgres(ctx, services.PostgresConfig{DataDir: filepath.Join(folder, "postgres"), Logger: newLogger()})
	if err != nil {
		return nil, errors.Join(err, s.stopAll())
	}
	return s, nil
}

func (s *servers) stopAll() error {
	var err error
	if s.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = s.postgres.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// createDatabase creates a new, migrated database. A checkpoint first writes what earlier benchmarks left, so that this one does not
// wait for it.
func (s *servers) createDatabase(ctx context.Context, name string, files fs.FS) (url string, drop func(), err error) {
	if err := s.execSQL(ctx, `CHECKPOINT`); err != nil {
		return "", nil, err
	}
	if err := postgres.EnsureDatabase(ctx, s.postgres.URL(), name); err != nil {
		return "", nil, err
	}
	if url, err = postgres.WithDatabase(s.postgres.URL(), name); err != nil {
		return "", nil, err
	}
	if err := postgres.Migrate(ctx, url, files); err != nil {
		return "", nil, err
	}
	return url, func() {
		_ = s.execSQL(context.WithoutCancel(ctx), `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`) // otherwise it is deleted with the folder
	}, nil
}

func (s *servers) execSQL(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // it is not used any more
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// newLogger logs only errors.
func newLogger() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}
