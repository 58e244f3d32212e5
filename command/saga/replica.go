package saga

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"

	"ticketing/command/eventstore"
	"ticketing/internal/supervise"
)

// newReplicaID returns a name that shows where the replica runs and that no other has.
func newReplicaID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.60s_%d_%s", host, os.Getpid(), rand.Text()[:8])
}

// keepReplicaAlive renews this replica's row every so often, and returns the jobs of dead replicas to their queues. River alone would wait until
// a job has run for longer than rescueAfter.
func keepReplicaAlive(ctx context.Context, c Config, m *metrics, replicaID string) {
	supervise.NewFault("renewing the saga's replica", c.Logger).Repeat(ctx, c.Lease/3, func(ctx context.Context) error {
		err := renewReplica(ctx, c, replicaID)
		if err != nil {
			m.sweepFailures.Inc()
		}
		return err
	})
}

// takeOverSQL skips jobs whose result is being written at this moment. A job whose replica died has not failed; it is due at once.
const takeOverSQL = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
		SELECT id FROM river_job j WHERE state = 'running' AND NOT EXISTS (
			SELECT FROM saga_replicas r WHERE r.id = j.attempted_by[array_upper(j.attempted_by, 1)] AND r.alive_until >= clock_timestamp()
		) FOR UPDATE SKIP LOCKED
	)`

// lostSQL returns jobs to their queues that this replica got a while ago and does not work on: the response with them was lost, or their result
// when the database went away.
const lostSQL = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
		SELECT id FROM river_job WHERE state = 'running' AND attempted_by[array_upper(attempted_by, 1)] = $1
			AND attempted_at < ` + eventstore.NowSQL + ` - $2::interval AND id <> ALL ($3::bigint[]) FOR UPDATE SKIP LOCKED
	)`

// renewReplica marks this replica as alive, and then takes over from those that are not.
func renewReplica(ctx context.Context, c Config, replicaID string) error {
	ctx, cancel := context.WithTimeout(ctx, sqlTimeout)
	defer cancel()
	_, err := c.Pool.Exec(ctx, `INSERT INTO saga_replicas (id, alive_until) VALUES ($1, clock_timestamp() + $2::interval)
		ON CONFLICT (id) DO UPDATE SET alive_until = excluded.alive_until`, replicaID, c.Lease)
	if err != nil {
		return fmt.Errorf("renew the saga's replica: %w", err)
	}
	tag, err := c.Pool.Exec(ctx, takeOverSQL)
	if err != nil {
		return fmt.Errorf("take over from dead replicas: %w", err)
	}
	if tag.RowsAffected() > 0 {
		c.Logger.WarnContext(ctx, "the jobs of a dead replica are done again", "jobs", tag.RowsAffected())
	}
	lostAfter := 3 * c.Lease
	if tag, err = c.Pool.Exec(ctx, lostSQL, replicaID, lostAfter, c.atWork.list(lostAfter)); err != nil {
		return fmt.Errorf("look for lost jobs: %w", err)
	}
	if tag.RowsAffected() > 0 {
		c.Logger.WarnContext(ctx, "jobs whose response or result was lost are done again", "jobs", tag.RowsAffected())
	}
	if _, err := c.Pool.Exec(ctx, `DELETE FROM saga_replicas WHERE alive_until < clock_timestamp() - interval '1 day'`); err != nil {
		return fmt.Errorf("forget dead replicas: %w", err)
	}
	return nil
}
