package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"strconv"
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
	// migrationsTurn is the number of the advisory lock of a process of ours that migrates.
	migrationsTurn int64 = 0x7469636b6574
)

// patientDriver migrates a database that is in use.
type patientDriver struct {
	database.Driver

	ctx     context.Context // ends the wait for the lock: the driver's interface has none
	session *sql.Conn       // holds the advisory locks
	number  int64           // of golang-migrate's lock
}

// newPatientDriver returns a driver that closes db, after its turn has come: preparing golang-migrate's driver takes the lock of migrations,
// and waits for it in PostgreSQL.
func newPatientDriver(ctx context.Context, db *sql.DB) (*patientDriver, error) {
	session, err := db.Conn(ctx)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), db.Close())
	}
	d := &patientDriver{ctx: ctx, session: session}
	if err = d.lock(migrationsTurn); err != nil {
		return nil, errors.Join(err, session.Close(), db.Close())
	}
	config := &migratepgx.Config{}
	driver, err := migratepgx.WithInstance(db, config)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), session.Close(), db.Close())
	}
	d.Driver = driver
	number, err := database.GenerateAdvisoryLockId(config.DatabaseName, config.SchemaName, config.MigrationsTable)
	if err == nil {
		d.number, err = strconv.ParseInt(number, 10, 64)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("prepare migrations: %w", err), d.Close())
	}
	return d, nil
}

// Close closes both sessions, which ends their locks, and the database.
func (d *patientDriver) Close() error { return errors.Join(d.session.Close(), d.Driver.Close()) }

// Lock takes golang-migrate's lock, which programs other than ours take too.
func (d *patientDriver) Lock() error { return d.lock(d.number) }

// lock takes an advisory lock. It tries again and again instead of waiting in PostgreSQL: CREATE INDEX CONCURRENTLY waits for each statement
// that runs, and would never end beside one that waits for it.
func (d *patientDriver) lock(number int64) error {
	ctx, cancel := context.WithTimeout(d.ctx, lockTimeout)
	defer cancel()
	for {
		var locked bool
		if err := d.session.QueryRowContext(ctx, `SELECT pg_try_advisory_lock($1)`, number).Scan(&locked); err != nil {
			return fmt.Errorf("lock the migrations: %w", err)
		}
		if locked {
			return nil
		}
		select {
		case <-time.After(lockPause):
		case <-ctx.Done():
			return fmt.Errorf("lock the migrations, which another process is running: %w", context.Cause(ctx))
		}
	}
}

// Unlock ends Lock.
func (d *patientDriver) Unlock() error {
	if _, err := d.session.ExecContext(context.Background(), `SELECT pg_advisory_unlock($1)`, d.number); err != nil {
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
