package saga

import (
	"context"
	"fmt"
	"slices"
	"time"

	"ticketing/command/eventstore"
)

// behindSQL says whether the log goes on after the cursor c, or has changed its incarnation. $2 is the shard.
const behindSQL = `(coalesce((SELECT position FROM domain_events WHERE shard = $2 ORDER BY position DESC LIMIT 1), 0) > c.position
	OR c.incarnation IS DISTINCT FROM (SELECT incarnation FROM log_incarnation WHERE shard = $2))`

// lookSQL asks in one cheap query, which writes nothing, for everything that there may be to do.
const lookSQL = `SELECT ` + behindSQL + `, ARRAY(
		SELECT k.kind FROM unnest($3::text[]) AS k(kind),
			LATERAL (SELECT FROM deadlines d WHERE d.kind = k.kind AND ` + dueSQL + ` LIMIT 1) AS due
	) FROM saga_cursor c WHERE shard = $2`

// look wakes the follower and the lanes whenever there may be something to do for them, until ctx ends.
func look(ctx context.Context, c Config, m *metrics, f *follower, lanes []*lane) error {
	tick := time.NewTicker(c.Poll)
	defer tick.Stop()
	for {
		if err := lookOnce(ctx, c, f, lanes); err != nil && ctx.Err() == nil {
			m.sweepFailures.Inc()
			c.Logger.ErrorContext(ctx, "the saga could not look for work", "error", err)
			wait(ctx, failurePause)
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

func lookOnce(ctx context.Context, c Config, f *follower, lanes []*lane) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	var behind bool
	var due []Kind
	if err := c.Pool.QueryRow(ctx, lookSQL, c.Clock(), eventstore.Shard, kinds()).Scan(&behind, &due); err != nil {
		return fmt.Errorf("look for work: %w", err)
	}
	if behind {
		wake(f.wake)
	}
	for _, l := range lanes {
		if slices.Contains(due, l.kind) {
			wake(l.wake)
		}
	}
	return nil
}

// wake leaves a sign; one is enough.
func wake(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// Settled says whether at this moment nothing is to be done: the log is followed to its end, and nothing is due at now or being worked
// on. What has failed and waits to be tried again does not count. It is for those who wait for the saga, such as tests.
func Settled(ctx context.Context, db eventstore.Querier, now time.Time) (bool, error) {
	var settled bool
	err := db.QueryRow(ctx, `SELECT NOT `+behindSQL+` AND NOT EXISTS (
			SELECT FROM deadlines WHERE next_at <= $1 OR claimed_until > clock_timestamp()
		) AND NOT EXISTS (
			SELECT FROM river_job WHERE state = 'running' OR state IN ('available', 'retryable', 'scheduled') AND scheduled_at <= $1
		) FROM saga_cursor c WHERE shard = $2`, now, eventstore.Shard).Scan(&settled)
	if err != nil {
		return false, fmt.Errorf("ask whether the saga has settled: %w", err)
	}
	return settled, nil
}
