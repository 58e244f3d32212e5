package saga

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"time"
)

// newReplicaID names a replica, for people too: host, process, and something that no other has.
func newReplicaID() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	return fmt.Sprintf("%.60s_%d_%s", host, os.Getpid(), rand.Text()[:8])
}

// stayAlive says every so often that this replica lives, and hands the jobs of replicas that do not back to the queue. river alone would
// wait until a job has run for longer than any may.
func stayAlive(ctx context.Context, c Config, m *metrics, replicaID string) {
	tick := time.NewTicker(c.Lease / 3)
	defer tick.Stop()
	for {
		if err := beat(ctx, c, replicaID); err != nil && ctx.Err() == nil {
			m.sweepFailures.Inc()
			c.Logger.ErrorContext(ctx, "the saga could not say that it is alive", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// takeOverSQL passes over jobs that somebody is writing down at this moment. A job whose replica died has not failed; it is due at once.
const takeOverSQL = `UPDATE river_job SET state = 'available' WHERE state = 'running' AND id IN (
		SELECT id FROM river_job j WHERE state = 'running' AND NOT EXISTS (
			SELECT FROM saga_replicas r WHERE r.id = j.attempted_by[array_upper(j.attempted_by, 1)] AND r.alive_until >= clock_timestamp()
		) FOR UPDATE SKIP LOCKED
	)`

// beat first renews, so that this replica is alive when it looks for those that are not.
func beat(ctx context.Context, c Config, replicaID string) error {
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
		c.Logger.WarnContext(ctx, "jobs of a replica that died are done again", "jobs", tag.RowsAffected())
	}
	if _, err := c.Pool.Exec(ctx, `DELETE FROM saga_replicas WHERE alive_until < clock_timestamp() - interval '1 day'`); err != nil {
		return fmt.Errorf("forget dead replicas: %w", err)
	}
	return nil
}
