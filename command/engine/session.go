package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"ticketing/command/eventstore"
)

// A process may freeze while it holds the lock: its session ends by itself, and a replica that waits longer than a second ends it.
// Rows are always found by their keys: a plan that was made while the tables were almost empty would read all of them, under the lock, and
// be used for minutes (measured: PostgreSQL's time per command grew from 36 to 88 µs in 8 s of selling).
const sessionSettings = `SET lock_timeout = '1s'; SET idle_in_transaction_session_timeout = '2s'; SET tcp_user_timeout = '5s';
	SET statement_timeout = '8s'; SET application_name = 'ticketing engine';
	SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off`

const closeTimeout = time.Second

// beginTimeout bounds taking the lock. PostgreSQL says within lock_timeout that it is held, if the connection is not silently gone.
const beginTimeout = 3 * time.Second

// unknownCommitError says that the commit was sent and not acknowledged.
type unknownCommitError struct{ cause error }

func (e *unknownCommitError) Error() string {
	return fmt.Sprintf("commit not acknowledged: %v", e.cause)
}
func (e *unknownCommitError) Unwrap() error { return e.cause }

// lockLog begins a transaction, takes the shard's lock in it, and reads the head of the log and its time, in one round trip.
func (e *Engine) lockLog(ctx context.Context) error {
	if err := e.connect(ctx); err != nil {
		return err
	}
	before, began := e.head, time.Now()
	err := e.beginTransaction(ctx)
	if lockTimedOut(err) {
		e.disconnect()
		if err := e.endHolder(ctx); err != nil {
			return err
		}
		if err := e.connect(ctx); err != nil {
			return err
		}
		began = time.Now()
		err = e.beginTransaction(ctx)
	}
	if err != nil {
		e.disconnect()
		return fmt.Errorf("begin: %w", err)
	}
	e.seen.Store(&sighting{incarnation: e.head.Incarnation, now: e.now, at: began})
	if e.head.Incarnation != before.Incarnation {
		e.cache.clear()
	}
	if e.head != before {
		e.foreign = e.head.Position
	}
	return nil
}

func (e *Engine) beginTransaction(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	b := &pgx.Batch{}
	b.Queue(`BEGIN`)
	b.Queue(`SELECT pg_advisory_xact_lock($1, $2)`, int32(eventstore.LockClass), int32(eventstore.Shard))
	b.Queue(eventstore.HeadSQL + `, ` + eventstore.LockedTimeSQL)
	results := e.connection.SendBatch(ctx, b)
	defer func() { _ = results.Close() }() // again after a fault: its error is known then
	for range 2 {
		if _, err := results.Exec(); err != nil {
			return fmt.Errorf("lock the log: %w", err)
		}
	}
	var head eventstore.Head
	var now time.Time
	if err := results.QueryRow().Scan(&head.Position, &head.Incarnation, &now); err != nil {
		return fmt.Errorf("read head of the log: %w", err)
	}
	if err := results.Close(); err != nil {
		return fmt.Errorf("lock the log: %w", err)
	}
	e.head, e.now = head, now.UTC()
	return nil
}

func lockTimedOut(err error) bool {
	pgErr, ok := errors.AsType[*pgconn.PgError](err)
	return ok && pgErr.Code == "55P03" // lock_not_available
}

// endHolder terminates the session that holds the lock if it has been waiting for its client for more than a second: its process is frozen or
// its network gone. One that works is left alone, however long it has had the lock: on a busy machine that would make the load worse. So is one
// whose commit waits for a synchronous standby: terminating it would make visible what may be lost with this server.
func (e *Engine) endHolder(ctx context.Context) error {
	// MATERIALIZED: else the planner may call pg_terminate_backend before it checks which session holds the lock.
	rows, err := e.pool.Query(ctx, `WITH holder AS MATERIALIZED (
			SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
			WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2
				AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second')
		SELECT pid FROM holder WHERE pg_terminate_backend(pid)`,
		uint32(eventstore.LockClass), uint32(eventstore.Shard))
	if err != nil {
		return fmt.Errorf("end the frozen holder of the lock: %w", err)
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return fmt.Errorf("end the frozen holder of the lock: %w", err)
	}
	e.metrics.endedHolders.Add(float64(len(ended)))
	e.log.WarnContext(ctx, "waited more than a second for the log's lock", "ended sessions", ended)
	return nil
}

func (e *Engine) connect(ctx context.Context) error {
	if e.connection != nil && !e.connection.IsClosed() {
		return nil
	}
	s, err := openSession(ctx, e.pool.Config().ConnConfig)
	if err != nil {
		return err
	}
	e.connection = s
	return nil
}

// session is a connection of the loop.
type session struct {
	*pgx.Conn

	committing atomic.Bool // a commit was sent and is not acknowledged
	warning    string      // PostgreSQL's last one
}

// openSession connects. pgx has PostgreSQL cancel what a connection still does when it gives the connection up, by another connection. A commit
// that waits for a synchronous standby must not be cancelled: it would become visible although it may be lost with this server.
func openSession(ctx context.Context, config *pgx.ConnConfig) (*session, error) {
	s, dial := &session{}, config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		if s.committing.Load() {
			return nil, errCommitting
		}
		return dial(ctx, network, address)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if n.SeverityUnlocalized == "WARNING" {
			s.warning = n.Message
		}
	}
	connection, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("connect to the events database: %w", err)
	}
	s.Conn = connection
	if err := s.prepare(ctx); err != nil {
		_ = s.Close(ctx)
		return nil, fmt.Errorf("set up the engine's session: %w", err)
	}
	return s, nil
}

var errCommitting = errors.New("a commit is not cancelled")

func (s *session) prepare(ctx context.Context) error {
	if _, err := s.Exec(ctx, sessionSettings); err != nil {
		return err
	}
	for name, sql := range map[string]string{
		appendStatement: appendSQL, freeStatement: freeSQL, writeStatement: writeSQL, commitStatement: `COMMIT`,
	} {
		if _, err := s.PgConn().Prepare(ctx, name, sql, nil); err != nil {
			return err
		}
	}
	return nil
}

// disconnect ends the session and its transaction. What other replicas append meanwhile is not known.
func (e *Engine) disconnect() {
	if e.connection == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = e.connection.Close(ctx)
	e.connection = nil
	e.head.Position = -1
}
