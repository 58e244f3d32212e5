package saga

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
)

// claim is a deadline that this replica works on while its lease lasts.
type claim struct {
	id        string
	dueAt     time.Time
	claimedAt time.Time // by the log's time, as dueAt
	revision  int64
	attempts  int // failed so far
	cause
}

// claimResult is what is written of a claim whose work has ended.
type claimResult struct {
	claim     claim
	pause     time.Duration // until it is worked on again
	attempts  int
	lastError string
	failed    bool // the attempts are used up
}

// deadlineTable claims the deadlines of one kind and records results. Claiming skips rows that are locked; recording waits for them, since
// another replica's claiming may have locked them for a moment. Everything that waits, the follower too, locks rows in the order of kind and
// id, so that there is no deadlock.
type deadlineTable struct {
	pool  *pgxpool.Pool
	kind  Kind
	lease time.Duration
}

// dueSQL is the condition of a deadline that may be claimed. Leases run by the clock of the database too; tests do not move it for them.
const dueSQL = `next_at <= ` + eventstore.NowSQL + ` AND (claimed_until IS NULL OR claimed_until < clock_timestamp())`

// claimDue claims up to limit deadlines that are due, beginning with those that have been due longest.
func (c deadlineTable) claimDue(ctx context.Context, limit int) ([]claim, error) {
	rows, err := c.pool.Query(ctx, `WITH due AS (
			SELECT id FROM deadlines WHERE kind = $1 AND `+dueSQL+`
				AND EXISTS (SELECT FROM saga_cursor WHERE shard = $4 AND `+positionSQL+` >= complete_at)
			ORDER BY next_at LIMIT $2 FOR UPDATE SKIP LOCKED
		)
		UPDATE deadlines SET claimed_until = clock_timestamp() + $3::interval, revision = revision + 1
		WHERE kind = $1 AND id = ANY (ARRAY(SELECT id FROM due))
		RETURNING id, due_at, `+eventstore.NowSQL+`, revision, attempts, correlation_id, causation_id, traceparent`,
		c.kind, limit, c.lease, eventstore.Shard)
	if err != nil {
		return nil, fmt.Errorf("claim %s deadlines: %w", c.kind, err)
	}
	taken, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (d claim, err error) {
		err = row.Scan(&d.id, &d.dueAt, &d.claimedAt, &d.revision, &d.attempts, &d.CorrelationID, &d.CausationID, &d.Traceparent)
		return d, err
	})
	if err != nil {
		return nil, fmt.Errorf("claim %s deadlines: %w", c.kind, err)
	}
	return taken, nil
}

// mineSQL locks those of the rows ($1 kind, $2 ids, $3 revisions) that have not been set or claimed again since they were claimed. With the
// arrays PostgreSQL finds the rows by their keys even before it has statistics.
const mineSQL = `WITH mine AS (
		SELECT d.id FROM deadlines d JOIN unnest($2::text[], $3::bigint[]) AS asked(id, revision) USING (id, revision)
		WHERE d.kind = $1 AND d.id = ANY ($2) ORDER BY d.kind, d.id FOR UPDATE OF d
	) `

const whereMineSQL = ` WHERE d.kind = $1 AND d.id = ANY (ARRAY(SELECT id FROM mine))`

// recordResults writes the results of claims. Rows that were set or claimed again meanwhile are left as they are.
func (c deadlineTable) recordResults(ctx context.Context, results []claimResult) error {
	var ids, errs []string
	var revisions, pauses []int64
	var attempts []int32
	var failed []bool
	for _, r := range results {
		ids, revisions = append(ids, r.claim.id), append(revisions, r.claim.revision)
		pauses, attempts = append(pauses, r.pause.Microseconds()), append(attempts, int32(r.attempts)) //nolint:gosec // a small number
		errs, failed = append(errs, r.lastError), append(failed, r.failed)
	}
	_, err := c.pool.Exec(ctx, mineSQL+`UPDATE deadlines d SET claimed_until = NULL, attempts = s.attempts,
			next_at = `+eventstore.NowSQL+` + s.pause * interval '1 microsecond',
			last_error = nullif(s.last_error, ''), failed_at = CASE WHEN s.failed THEN coalesce(d.failed_at, clock_timestamp()) END
		FROM unnest($2::text[], $4::bigint[], $5::integer[], $6::text[], $7::boolean[]) AS s(id, pause, attempts, last_error, failed)`+
		whereMineSQL+` AND d.id = s.id`, c.kind, ids, revisions, pauses, attempts, errs, failed)
	if err != nil {
		return fmt.Errorf("record the results of %d %s deadlines: %w", len(results), c.kind, err)
	}
	return nil
}

// renewLeases extends the leases of claims whose work goes on.
func (c deadlineTable) renewLeases(ctx context.Context, held []claim) error {
	ids, revisions := make([]string, len(held)), make([]int64, len(held))
	for i, d := range held {
		ids[i], revisions[i] = d.id, d.revision
	}
	_, err := c.pool.Exec(ctx, mineSQL+`UPDATE deadlines d SET claimed_until = clock_timestamp() + $4::interval`+whereMineSQL, c.kind, ids, revisions, c.lease)
	if err != nil {
		return fmt.Errorf("renew the leases of %d %s deadlines: %w", len(held), c.kind, err)
	}
	return nil
}
