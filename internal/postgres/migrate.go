package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4"
	"github.com/golang-migrate/migrate/v4/source/iofs"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
)

// lockTimeout is how long Migrate waits for another process that migrates the same database.
const lockTimeout = 5 * time.Minute

// Migrate brings a database to the newest version. Several processes may call it at once: one migrates, the others wait. A migration
// that has begun is finished even if ctx ends, since half of one would have to be repaired by hand.
func Migrate(ctx context.Context, url string, files fs.FS) error {
	return withMigrator(ctx, url, files, (*migrate.Migrate).Up)
}

// MigrateSteps migrates n versions up, or -n versions down.
func MigrateSteps(ctx context.Context, url string, files fs.FS, n int) error {
	return withMigrator(ctx, url, files, func(m *migrate.Migrate) error {
		err := m.Steps(n)
		if _, short := errors.AsType[migrate.ErrShortLimit](err); short || errors.Is(err, fs.ErrNotExist) {
			return nil // there were fewer
		}
		return err
	})
}

// NewestMigration returns the version that Migrate brings a database to.
func NewestMigration(files fs.FS) (uint, error) {
	names, err := fs.Glob(files, "*.up.sql")
	if err != nil || len(names) == 0 {
		return 0, err
	}
	version, _, _ := strings.Cut(slices.Max(names), "_")
	n, err := strconv.ParseUint(version, 10, 32)
	if err != nil {
		return 0, fmt.Errorf("read the version of %s: %w", slices.Max(names), err)
	}
	return uint(n), nil
}

// MigrateForce marks a database as clean at a version, after a failed migration was repaired by hand.
func MigrateForce(ctx context.Context, url string, files fs.FS, version int) error {
	return withMigrator(ctx, url, files, func(m *migrate.Migrate) error { return m.Force(version) })
}

// MigrationVersion returns the version of a database (0: none yet), and whether a migration failed half-way.
func MigrationVersion(ctx context.Context, url string, files fs.FS) (version uint, dirty bool, err error) {
	err = withMigrator(ctx, url, files, func(m *migrate.Migrate) error {
		var err error
		version, dirty, err = m.Version()
		return err
	})
	return version, dirty, err
}

func withMigrator(ctx context.Context, url string, files fs.FS, work func(*migrate.Migrate) error) (err error) {
	if none, err := hasNoMigrations(files); err != nil || none {
		return err
	}
	cfg, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("parse the database URL: %w", err)
	}
	cfg.RuntimeParams["statement_timeout"] = "0" // migrating, and waiting for the lock, are not bounded
	m, err := newMigrator(ctx, stdlib.OpenDB(*cfg), files)
	if err != nil {
		return err
	}
	defer func() {
		sourceErr, databaseErr := m.Close()
		err = errors.Join(err, sourceErr, databaseErr)
	}()
	m.LockTimeout = 2 * lockTimeout // the driver's own comes first
	stop := context.AfterFunc(ctx, func() { m.GracefulStop <- true })
	defer stop()

	err = work(m)
	if errors.Is(err, migrate.ErrNoChange) || errors.Is(err, migrate.ErrNilVersion) {
		err = nil
	}
	if err != nil {
		return fmt.Errorf("migrate %s: %w", cfg.Database, err)
	}
	return context.Cause(ctx)
}

// newMigrator returns a migrator that closes db. It closes db itself if it fails.
func newMigrator(ctx context.Context, db *sql.DB, files fs.FS) (*migrate.Migrate, error) {
	source, err := iofs.New(files, ".")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), db.Close())
	}
	driver, err := newPatientDriver(ctx, db)
	if err != nil {
		return nil, err
	}
	m, err := migrate.NewWithInstance("embedded", source, "pgx5", driver)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), driver.Close())
	}
	return m, nil
}

// hasNoMigrations reports whether there are no migrations, which golang-migrate takes for an error.
func hasNoMigrations(files fs.FS) (bool, error) {
	names, err := fs.Glob(files, "*.up.sql")
	if err != nil {
		return false, fmt.Errorf("list migrations: %w", err)
	}
	return len(names) == 0, nil
}
