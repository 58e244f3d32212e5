package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/golang-migrate/migrate/v4/database"
	migratepgx "github.com/golang-migrate/migrate/v4/database/pgx/v5"
	"github.com/jackc/pgerrcode"
	"github.com/jackc/pgx/v5/pgconn"
)

const (
	// tableLock is how long a migration waits for the lock of a table: all others who want the table wait behind it meanwhile.
	tableLock = 2 * time.Second
	// A migration that did not get the lock is tried again after tablePause, for tablePatience: a long query or a backup may hold it.
	tablePause, tablePatience = time.Second, 5 * time.Minute
	// lockPause is how often a process that waits for another one's migrations looks.
	lockPause = 100 * time.Millisecond
)

// patientDriver migrates a database that is in use.
type patientDriver struct {
	database.Driver

	session *sql.Conn // holds the advisory lock
	lock    string    // its number
}

// newPatientDriver returns a driver that closes db.
func newPatientDriver(ctx context.Context, db *sql.DB) (*patientDriver, error) {
	config := &migratepgx.Config{}
	driver, err := migratepgx.WithInstance(db, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), db.Close())
	}
	lock, err := database.GenerateAdvisoryLockId(config.DatabaseName, config.SchemaName, config.MigrationsTable)
	session, sessionErr := db.Conn(ctx)
	if err = errors.Join(err, sessionErr); err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), driver.Close())
	}
	return &patientDriver{Driver: driver, session: session, lock: lock}, nil
}

// Close closes both sessions, and the database.
func (d *patientDriver) Close() error { return errors.Join(d.session.Close(), d.Driver.Close()) }

// Lock takes the lock of the processes that migrate. It tries again and again instead of waiting in PostgreSQL: CREATE INDEX CONCURRENTLY
// waits for each statement that runs, and would never end beside one that waits for it.
func (d *patientDriver) Lock() error {
	ctx, cancel := context.WithTimeout(context.Background(), lockTimeout)
	defer cancel()
	for {
		var locked bool
		if err := d.session.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1::bigint)`, d.lock).Scan(&locked); err != nil {
			return fmt.Errorf("lock the migrations: %w", err)
		}
		if locked {
			return nil
		}
		time.Sleep(lockPause)
	}
}

// Unlock ends Lock.
func (d *patientDriver) Unlock() error {
	if _, err := d.session.ExecContext(context.Background(), `SELECT pg_advisory_unlock($1::bigint)`, d.lock); err != nil {
		return fmt.Errorf("unlock the migrations: %w", err)
	}
	return nil
}

// Run runs a file. PostgreSQL takes it as one transaction, so one that did not get a lock left nothing and is run again. An index that is
// made CONCURRENTLY is no part of a transaction, and keeps no others waiting.
func (d *patientDriver) Run(migration io.Reader) error {
	text, err := io.ReadAll(migration)
	if err != nil {
		return fmt.Errorf("read a migration: %w", err)
	}
	statements := string(text)
	if !strings.Contains(statements, "CONCURRENTLY") {
		statements = fmt.Sprintf("SET LOCAL lock_timeout = %d; %s", tableLock.Milliseconds(), statements)
	}
	for began := time.Now(); ; time.Sleep(tablePause) {
		err := d.Driver.Run(strings.NewReader(statements))
		if !isLockTimeout(err) || time.Since(began) > tablePatience {
			return err // golang-migrate looks at it
		}
	}
}

// isLockTimeout looks into the error of the driver, which does not unwrap.
func isLockTimeout(err error) bool {
	failed, ok := errors.AsType[database.Error](err)
	if !ok {
		return false
	}
	refused, ok := errors.AsType[*pgconn.PgError](failed.OrigErr)
	return ok && refused.Code == pgerrcode.LockNotAvailable
}
