package saga

import (
	"context"
	"errors"
	"fmt"
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
	fault          *supervise.Fault
	wake           chan struct{}
}

func newFollower(c Config, m *metrics, client *river.Client[pgx.Tx]) *follower {
	return &follower{
		pool: c.Pool, registry: c.Registry, client: client, metrics: m, wake: make(chan struct{}, 1),
		fault:          supervise.NewFault("following the log", c.Logger),
		reconcileAfter: c.reconcileAfter(),
	}
}

func (f *follower) run(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-f.wake:
		}
		err := f.catchUp(ctx)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // stopped
		}
		f.fault.Note(ctx, err)
		if err != nil {
			f.metrics.followFailures.Inc()
			_ = wait.For(ctx, failurePause)
		}
	}
}

// catchUp follows to the end of the log, unless another replica is following.
func (f *follower) catchUp(ctx context.Context) error {
	for {
		n, err := f.followNext(ctx)
		if errors.Is(err, errStandby) {
			return nil
		}
		if err != nil || n < batchSize {
			return err
		}
	}
}

// followNext follows one batch in one transaction and returns how many domain events were in it.
func (f *follower) followNext(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, followSettings); err != nil {
			return fmt.Errorf("set up following: %w", err)
		}
		n, err = f.applyNext(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	f.metrics.followed.Add(float64(n))
	return n, nil
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
	c := newChanges(f.reconcileAfter)
	for i := range recorded {
		if err := c.foldRecord(f.registry, &recorded[i]); err != nil {
			return 0, err
		}
	}
	for eventID := range c.events {
		if err := f.foldEvent(ctx, tx, c, eventID); err != nil {
			return 0, err
		}
	}
	if err := c.writeDeadlines(ctx, tx, recorded[len(recorded)-1].Position); err != nil {
		return 0, err
	}
	mails, err := newMails(ctx, tx, c.mails)
	if err != nil {
		return 0, err
	}
	return len(recorded), insertJobs(ctx, f.client, tx, slices.Concat(c.jobs, slices.Collect(maps.Values(c.undecided)), mails))
}

// foldEvent reads the whole stream of an event as it is now. It is short, and may be ahead of the cursor.
func (f *follower) foldEvent(ctx context.Context, db eventstore.Querier, c *changes, eventID string) error {
	var state event.State
	var last eventstore.Recorded
	for {
		recorded, err := eventstore.ReadStream(ctx, db, event.Stream(eventID), last.Version, batchSize)
		if err != nil {
			return err
		}
		for _, r := range recorded {
			decoded, err := f.registry.Decode(r.Type, r.SchemaVersion, r.Data)
			if err != nil {
				return fmt.Errorf("position %d: %w", r.Position, err)
			}
			domainEvent, ok := decoded.(event.DomainEvent)
			if !ok {
				return fmt.Errorf("position %d: a %s in the stream of an event", r.Position, r.Type)
			}
			state, last = event.Evolve(state, domainEvent), r
		}
		if len(recorded) < batchSize {
			c.foldEvent(eventID, state, &last)
			return nil
		}
	}
}
