package saga

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"

	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
)

const (
	batchSize     = 1_000            // domain events that are followed in one transaction
	followTimeout = 10 * time.Second // of that transaction
	failurePause  = time.Second      // after a failure, to spare a database that has a fault
)

// A process that freezes while it follows loses the cursor's lock. If a crash of the database loses a commit, the batch is followed again:
// the cursor was in the same transaction.
const followSettings = `SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL synchronous_commit = off`

// errStandby means that another replica is following at this moment.
var errStandby = errors.New("another replica follows")

// follower writes the deadlines and jobs that follow from the log. One replica at a time follows, and takes a lock for each batch: if it
// dies, any other goes on.
type follower struct {
	pool           *pgxpool.Pool
	registry       *eventstore.Registry
	reconcileAfter time.Duration
	client         *river.Client[pgx.Tx]
	metrics        *metrics
	log            *slog.Logger
	fault          *supervise.Fault
	wake           chan struct{}
}

func newFollower(c Config, m *metrics, client *river.Client[pgx.Tx]) *follower {
	return &follower{
		pool: c.Pool, registry: c.Registry, client: client, metrics: m, log: c.Logger, wake: make(chan struct{}, 1),
		reconcileAfter: c.reconcileAfter(), fault: supervise.NewFault("following the log", c.Logger),
	}
}

func (f *follower) run(ctx context.Context) error {
	aside := time.NewTicker(asideEvery)
	defer aside.Stop()
	f.report(ctx, f.retryAside(ctx))
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-aside.C:
			f.report(ctx, f.retryAside(ctx))
		case <-f.wake:
			f.report(ctx, f.catchUp(ctx))
		}
	}
}

// report notes a result, and waits after a failure, to spare a database that has a fault.
func (f *follower) report(ctx context.Context, err error) {
	if errors.Is(err, errStandby) {
		err = nil
	}
	if ctx.Err() != nil {
		return
	}
	f.fault.Note(ctx, err)
	if err != nil {
		f.metrics.followFailures.Inc()
		_ = wait.For(ctx, failurePause)
	}
}

// catchUp follows to the end of the log, unless another replica is following.
func (f *follower) catchUp(ctx context.Context) error {
	for {
		n, err := f.followNext(ctx)
		if err != nil || n < batchSize {
			return err
		}
	}
}

// followNext follows one batch in one transaction and returns how many domain events were in it.
func (f *follower) followNext(ctx context.Context) (n int, err error) {
	err = f.inTransaction(ctx, func(ctx context.Context, tx pgx.Tx) error {
		n, err = f.applyNext(ctx, tx)
		return err
	})
	if behind, ok := errors.AsType[*behindError](err); ok {
		if err := f.foldBehind(ctx, behind.upTo); err != nil {
			return 0, err
		}
		return f.followNext(ctx)
	}
	if err != nil {
		return 0, err
	}
	f.metrics.followed.Add(float64(n))
	return n, nil
}

func (f *follower) inTransaction(ctx context.Context, do func(ctx context.Context, tx pgx.Tx) error) error {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	return pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, followSettings); err != nil {
			return fmt.Errorf("set up following: %w", err)
		}
		return do(ctx, tx)
	})
}

// applyNext moves the cursor and writes the consequences, both in tx.
func (f *follower) applyNext(ctx context.Context, tx pgx.Tx) (int, error) {
	position, err := lockCursor(ctx, tx)
	if err != nil {
		return 0, err
	}
	recorded, err := eventstore.ReadAll(ctx, tx, position, batchSize)
	if err != nil || len(recorded) == 0 {
		return 0, err
	}
	_, err = f.applyRecords(ctx, tx, recorded, position, recorded[len(recorded)-1].Position)
	return len(recorded), err
}

// applyRecords writes what follows from domain events, and moves the cursor. Those of streams that wait are left out.
func (f *follower) applyRecords(ctx context.Context, tx pgx.Tx, recorded []eventstore.Recorded, from, to int64) (*changes, error) {
	c, err := f.loadChanges(ctx, tx, recorded)
	if err != nil {
		return nil, err
	}
	for i := range recorded {
		c.foldRecord(f.registry, &recorded[i])
	}
	if len(c.behind) > 0 {
		return nil, &behindError{c.behind}
	}
	c.foldEvents()
	if err := c.write(ctx, tx, from, to); err != nil {
		return nil, err
	}
	mails, err := newMails(ctx, tx, c.mails)
	if err != nil {
		return nil, err
	}
	for id, waits := range c.fresh {
		f.log.WarnContext(ctx, "the saga does not know a domain event: its stream waits for a newer build", "stream", id, "version", waits.version,
			"error", waits.err)
	}
	return c, insertJobs(ctx, f.client, tx, slices.Concat(c.jobs, slices.Collect(maps.Values(c.undecided)), mails))
}

// loadChanges returns changes with what is known of the domain events' streams.
func (f *follower) loadChanges(ctx context.Context, tx pgx.Tx, recorded []eventstore.Recorded) (c *changes, err error) {
	streams, events := map[string]bool{}, map[string]bool{}
	for i := range recorded {
		streams[recorded[i].StreamID] = true
		if category, id := eventstore.SplitStreamID(recorded[i].StreamID); category == event.Category {
			events[id] = true
		}
	}
	c = newChanges(f.reconcileAfter)
	if c.aside, err = loadAside(ctx, tx, slices.Collect(maps.Keys(streams))); err != nil {
		return nil, err
	}
	c.events, err = loadEvents(ctx, tx, slices.Collect(maps.Keys(events)))
	return c, err
}

// foldBehind folds the states of events up to versions that were followed before, a page in a transaction, however long the streams are.
func (f *follower) foldBehind(ctx context.Context, upTo map[string]int64) error {
	for eventID, version := range upTo {
		for more := true; more; {
			err := f.inTransaction(ctx, func(ctx context.Context, tx pgx.Tx) (err error) {
				more, err = f.foldPage(ctx, tx, eventID, version)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// foldPage folds a page and reports whether there is more.
func (f *follower) foldPage(ctx context.Context, tx pgx.Tx, eventID string, upTo int64) (more bool, err error) {
	if _, err := lockCursor(ctx, tx); err != nil {
		return false, err
	}
	c := newChanges(f.reconcileAfter)
	if c.events, err = loadEvents(ctx, tx, []string{eventID}); err != nil {
		return false, err
	}
	e := c.events[eventID]
	if e.version >= upTo {
		return false, nil
	}
	recorded, err := eventstore.ReadStream(ctx, tx, event.Stream(eventID), e.version, int(min(upTo-e.version, batchSize)))
	if err != nil {
		return false, err
	}
	for i := range recorded {
		c.foldRecord(f.registry, &recorded[i])
	}
	if e.version < upTo && e.last == nil && len(c.fresh) == 0 {
		c.putAside(&eventstore.Recorded{StreamID: event.Stream(eventID), Version: e.version + 1}, errors.New("the domain event is missing"))
	}
	b := &pgx.Batch{}
	c.writeAside(b)
	if err := c.writeEvents(b); err != nil {
		return false, err
	}
	if err := tx.SendBatch(ctx, b).Close(); err != nil {
		return false, fmt.Errorf("fold event %s: %w", eventID, err)
	}
	return e.version < upTo && len(c.fresh) == 0, nil
}
