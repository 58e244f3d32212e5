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
)

// followBatch is how many domain events are followed in one transaction, followTimeout how long that may take.
const (
	followBatch   = 1_000
	followTimeout = 10 * time.Second
	failurePause  = time.Second // after a failure, so that a broken database is not hammered
)

// A process that freezes while it follows loses the cursor's lock. A commit that a crash of the database loses is followed again: the
// cursor is lost with it, the log is not.
const followSettings = `SET LOCAL idle_in_transaction_session_timeout = '5s'; SET LOCAL synchronous_commit = off`

// errStandby says that another replica is following at this moment.
var errStandby = errors.New("another replica follows")

// follower keeps deadlines and jobs in step with the log. One replica at a time follows, a batch at a time, so whoever dies is replaced by the
// next one that looks.
type follower struct {
	pool           *pgxpool.Pool
	registry       *eventstore.Registry
	reconcileAfter time.Duration
	client         *river.Client[pgx.Tx]
	metrics        *metrics
	log            *slog.Logger
	wake           chan struct{}
}

func newFollower(c Config, m *metrics, client *river.Client[pgx.Tx]) *follower {
	return &follower{
		pool: c.Pool, registry: c.Registry, client: client, metrics: m, log: c.Logger, wake: make(chan struct{}, 1),
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
		if err := f.catchUp(ctx); err != nil && ctx.Err() == nil {
			f.metrics.followFailures.Inc()
			f.log.ErrorContext(ctx, "the saga could not follow the log", "error", err)
			wait(ctx, failurePause)
		}
	}
}

// catchUp follows to the end of the log, unless another replica is at it.
func (f *follower) catchUp(ctx context.Context) error {
	for {
		n, err := f.follow(ctx)
		if errors.Is(err, errStandby) {
			return nil
		}
		if err != nil || n < followBatch {
			return err
		}
	}
}

// follow follows one batch as one transaction and answers how many domain events that were.
func (f *follower) follow(ctx context.Context) (n int, err error) {
	ctx, cancel := context.WithTimeout(ctx, followTimeout)
	defer cancel()
	err = pgx.BeginFunc(ctx, f.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, followSettings); err != nil {
			return fmt.Errorf("set up following: %w", err)
		}
		n, err = f.step(ctx, tx)
		return err
	})
	if err != nil {
		return 0, err
	}
	f.metrics.followed.Add(float64(n))
	return n, nil
}

// step moves the cursor and writes the consequences: both or, when tx does not commit, neither.
func (f *follower) step(ctx context.Context, tx pgx.Tx) (int, error) {
	position, err := lockCursor(ctx, tx)
	if err != nil {
		return 0, err
	}
	recorded, err := eventstore.ReadAll(ctx, tx, position, followBatch)
	if err != nil || len(recorded) == 0 {
		return 0, err
	}
	c := newChanges(f.reconcileAfter)
	for i := range recorded {
		if err := c.fold(f.registry, &recorded[i]); err != nil {
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

// foldEvent reads the whole stream, as it is now: it is short, and may say more than has been followed.
func (f *follower) foldEvent(ctx context.Context, db eventstore.Querier, c *changes, eventID string) error {
	var state event.State
	var last eventstore.Recorded
	for {
		recorded, err := eventstore.ReadStream(ctx, db, event.Stream(eventID), last.Version, followBatch)
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
		if len(recorded) < followBatch {
			c.foldEvent(eventID, state, &last)
			return nil
		}
	}
}

// wait waits, or not when ctx ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}
