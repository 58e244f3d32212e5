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

// servers are the private ones of this run, below a temporary folder.
type servers struct {
	folder   string
	postgres *services.Postgres
}

// startServers starts a PostgreSQL as a laptop would have it: fsync on, nothing tuned for the benchmark.
func startServers(ctx context.Context) (*servers, error) {
	folder, err := os.MkdirTemp("", "ticketing-bench-")
	if err != nil {
		return nil, fmt.Errorf("make a folder: %w", err)
	}
	s := &servers{folder: folder}
	if err := os.Chmod(folder, 0o755); err != nil { //nolint:gosec // the servers' users pass through it
		return nil, errors.Join(fmt.Errorf("open the folder: %w", err), s.close())
	}
	s.postgres, err = services.StartPostgres(ctx, services.PostgresOptions{DataDir: filepath.Join(folder, "postgres"), Logger: quiet()})
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *servers) close() error {
	var err error
	if s.postgres != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		err = s.postgres.Stop(ctx)
	}
	return errors.Join(err, os.RemoveAll(s.folder))
}

// database makes a fresh, migrated database. What the benchmarks before have left to write is written first, so that it is not theirs
// to wait for.
func (s *servers) database(ctx context.Context, name string, files fs.FS) (url string, drop func(), err error) {
	if err := s.exec(ctx, `CHECKPOINT`); err != nil {
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
		_ = s.exec(context.WithoutCancel(ctx), `DROP DATABASE `+pgx.Identifier{name}.Sanitize()+` WITH (FORCE)`) // else with the folder
	}, nil
}

func (s *servers) exec(ctx context.Context, sql string) error {
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // nothing depends on it any more
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("%s: %w", sql, err)
	}
	return nil
}

// quiet says only what went wrong.
func quiet() *slog.Logger {
	return slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelError}))
}
