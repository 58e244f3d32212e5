package saga

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ticketing/command/eventstore"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
)

// lookTimeout bounds the query for work, which takes a millisecond: everything waits for it if its connection is silently gone.
const lookTimeout = 3 * time.Second

// behindSQL is true if the log goes on after the cursor c, or has changed its incarnation.
const behindSQL = `(` + eventstore.LastPositionSQL + ` > ` + positionSQL + ` OR c.incarnation IS DISTINCT FROM ` + eventstore.IncarnationSQL + `)`

// findWorkSQL finds in one cheap query, which writes nothing, whether there is anything to follow and which kinds of deadlines are due.
const findWorkSQL = `SELECT ` + eventstore.TimeSQL + `, ` + behindSQL + `, ARRAY(
		SELECT k.kind FROM unnest($2::text[]) AS k(kind),
			LATERAL (SELECT FROM deadlines d WHERE d.kind = k.kind AND ` + dueSQL + ` LIMIT 1) AS due
	) FROM saga_cursor c WHERE shard = $1`

// watchForWork wakes the follower and the lanes when there may be work for them, until ctx ends.
func watchForWork(ctx context.Context, c Config, m *metrics, f *follower, lanes []*lane) {
	supervise.NewFault("looking for the saga's work", c.Logger).Repeat(ctx, c.Poll, func(ctx context.Context) error {
		err := findWork(ctx, c, f, lanes)
		if err != nil && ctx.Err() == nil {
			m.sweepFailures.Inc()
			_ = wait.For(ctx, failurePause)
		}
		return err
	})
}

func findWork(ctx context.Context, c Config, f *follower, lanes []*lane) error {
	ctx, cancel := context.WithTimeout(ctx, lookTimeout)
	defer cancel()
	var now time.Time
	var behind bool
	var due []Kind
	if err := c.Pool.QueryRow(ctx, findWorkSQL, eventstore.Shard, deadlineKinds()).Scan(&now, &behind, &due); err != nil {
		return fmt.Errorf("look for work: %w", err)
	}
	c.clock.set(now.UTC())
	if behind {
		wakeUp(f.wake)
	}
	for _, l := range lanes {
		if slices.Contains(due, l.kind) {
			wakeUp(l.wake)
		}
	}
	return nil
}

// wakeUp leaves a signal, unless one is there already.
func wakeUp(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Idle reports whether there is nothing to do at this moment: the log is followed to its end, and no deadline or job is due or being worked
// on. What failed and is tried again later does not count. It is for tests and others that wait for the saga.
func Idle(ctx context.Context, db eventstore.Querier) (bool, error) {
	var idle bool
	err := db.QueryRow(ctx, `SELECT NOT `+behindSQL+` AND NOT EXISTS (
			SELECT FROM deadlines WHERE next_at <= `+eventstore.NowSQL+` OR claimed_until > clock_timestamp()
		) AND NOT EXISTS (
			SELECT FROM river_job WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= `+eventstore.NowSQL+`
		) FROM saga_cursor c WHERE shard = $1`, eventstore.Shard).Scan(&idle)
	if err != nil {
		return false, fmt.Errorf("find out whether the saga is idle: %w", err)
	}
	return idle, nil
}
