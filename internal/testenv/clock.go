package testenv

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// Clock is the time of a log: what log_time() returns in its database. A test moves it, for all processes that work on the log.
type Clock struct {
	url   string
	mu    sync.Mutex
	at    time.Time // zero: it runs
	moved time.Duration
}

// NewClock returns the clock of an events database. It runs, and is the real time until it is moved.
func NewClock(t require.TestingT, url string) *Clock {
	c := &Clock{url: url}
	c.replace(t)
	return c
}

// NewStoppedClock returns a clock of an events database that changes only when it is moved.
func NewStoppedClock(t require.TestingT, url string, at time.Time) *Clock {
	c := &Clock{url: url, at: at}
	c.replace(t)
	return c
}

// replace puts a row that can be changed behind log_time().
func (c *Clock) replace(t require.TestingT) {
	require.NoError(t, c.exec(`CREATE TABLE IF NOT EXISTS test_time (at timestamptz, moved interval NOT NULL);
		DELETE FROM test_time; INSERT INTO test_time (at, moved) VALUES (`+c.values()+`);
		CREATE OR REPLACE FUNCTION log_time() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL SAFE
			AS 'SELECT coalesce(at, clock_timestamp() + moved) FROM test_time'`))
}

func (c *Clock) values() string {
	at := `NULL`
	if !c.at.IsZero() {
		at = `'` + c.at.Format(time.RFC3339Nano) + `'`
	}
	return fmt.Sprintf(`%s, '%.6f seconds'`, at, c.moved.Seconds())
}

func (c *Clock) exec(sql string) error {
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, c.url)
	if err != nil {
		return fmt.Errorf("connect to the log: %w", err)
	}
	defer conn.Close(ctx) //nolint:errcheck // what matters has been returned
	if _, err := conn.Exec(ctx, sql); err != nil {
		return fmt.Errorf("move the log's time: %w", err)
	}
	return nil
}

// Now returns the log's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return time.Now().Add(c.moved)
	}
	return c.at
}

// Move lets time pass. It panics if the database can't be reached.
func (c *Clock) Move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		c.moved += d
	} else {
		c.at = c.at.Add(d).Truncate(time.Microsecond) // as the database has it
	}
	if err := c.exec(`UPDATE test_time SET (at, moved) = (` + c.values() + `)`); err != nil {
		panic(err)
	}
}
