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

// A process may freeze while it has the log's lock. The others go on within two seconds: PostgreSQL ends the session of a holder that does
// nothing, and where it does not know that (in the middle of a request or a response), a replica that waits for the lock has it ended.
const (
	// holderIdle is how long PostgreSQL waits for the holder. A loop that has a processor is ready within decidingTime; what one that was
	// starved for longer has decided is decided again.
	holderIdle = `1s`
	// lockWait is after what time in the queue for the lock a replica looks who has it, and lockLooks how often it does in one batch: more
	// than holderIdle together, so that a batch seldom fails for a frozen holder.
	lockWait  = `500ms`
	lockLooks = 4
)

// Rows are always found by their keys: a plan that was made while the tables were almost empty would read all of them, under the lock, and
// be used for minutes (measured: PostgreSQL's time per command grew from 36 to 88 µs in 8 s of selling).
const sessionSettings = `SET lock_timeout = '` + lockWait + `'; SET idle_in_transaction_session_timeout = '` + holderIdle + `'; SET tcp_user_timeout = '5s';
	SET statement_timeout = '8s'; SET application_name = 'ticketing engine';
	SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off`

const closeTimeout = time.Second

// beginTimeout bounds one try to take the lock, and one look at who has it. PostgreSQL says within lockWait that it is held, if the connection is
// not silently gone.
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
	before := e.head
	began, err := e.awaitLock(ctx)
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

// awaitLock begins a transaction with the lock, and returns when its last try began. Between two tries it ends a holder that is frozen.
func (e *Engine) awaitLock(ctx context.Context) (began time.Time, err error) {
	for range lockLooks {
		began = time.Now()
		if err = e.beginTransaction(ctx); !lockTimedOut(err) {
			return began, err
		}
		if failed := e.endHolder(ctx); failed != nil {
			return began, fmt.Errorf("look who has the lock: %w", failed)
		}
	}
	return began, err
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

// endHolder terminates the session that has the lock if PostgreSQL has been waiting for its client for longer than holderIdle: its process is
// frozen or its network gone. One that works is left alone, however long it has had the lock: on a busy machine that would make the load worse.
// So is one whose commit waits for a synchronous standby: terminating it would make visible what may be lost with this server.
func (e *Engine) endHolder(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, beginTimeout)
	defer cancel()
	if _, err := e.connection.Exec(ctx, `ROLLBACK`); err != nil {
		return err
	}
	// MATERIALIZED: else the planner may call pg_terminate_backend before it checks which session holds the lock.
	rows, err := e.connection.Query(ctx, `WITH holder AS MATERIALIZED (
			SELECT pid FROM pg_stat_activity JOIN pg_locks USING (pid)
			WHERE locktype = 'advisory' AND granted AND classid = $1 AND objid = $2
				AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())
				AND wait_event_type = 'Client' AND state_change < clock_timestamp() - interval '`+holderIdle+`')
		SELECT pid FROM holder WHERE pg_terminate_backend(pid)`,
		uint32(eventstore.LockClass), uint32(eventstore.Shard))
	if err != nil {
		return err
	}
	ended, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if len(ended) > 0 {
		e.metrics.endedHolders.Add(float64(len(ended)))
		e.log.WarnContext(ctx, "ended the session that had the log's lock and did nothing", "sessions", ended)
	}
	return err
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
