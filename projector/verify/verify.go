// Package verify proves that the read tables say what the log says: it replays the whole log through the aggregates, checks their
// invariants (package audit), and compares all read tables with the resulting states, row by row and column by column.
//
// It only reads, takes no locks, and may run beside everything else. It shares the types of the rows with the projections, but fills them
// from the aggregates' states, not with the projections' code, so that a mistake made there does not hide itself.
package verify

import (
	"context"
	"errors"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
)

// Config is what Run needs.
type Config struct {
	Events   *pgxpool.Pool        // The events database, which holds the log. Required.
	Read     *pgxpool.Pool        // The database of the read tables. Required.
	Registry *eventstore.Registry // Required.
	Topics   map[string]string    // Names of topics by category of streams: they tell how far the projections are. Required.
	// WindingUp reads which cancelled events may not be wound up yet: saga.ReadWindingUp. Required.
	WindingUp func(ctx context.Context, events eventstore.Querier) (audit.WindingUp, error)
	Wait      time.Duration // How long to wait for rows that are behind. Default: not at all.
	Show      int           // How many findings of each kind the report keeps; all are counted. Default: none.
}

// Run verifies the log and the read tables. Its error says why it could not; what it finds is in the report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	began := time.Now()
	report := newReport(cfg.Show)
	windingUp, err := cfg.WindingUp(ctx, cfg.Events) // before the head: what is wound up by now is so in the log up to the head
	if err != nil {
		return nil, err
	}
	head, err := eventstore.ReadHead(ctx, cfg.Events)
	if err != nil {
		return nil, err
	}
	x := newExpected(cfg.Registry)
	if err := x.log.Read(ctx, cfg.Events, head.Position, report.Audit); err != nil {
		return nil, err
	}
	x.log.Check(windingUp, report.Audit)
	report.addAudit()
	for _, t := range x.tables() {
		c := &comparison{Config: cfg, table: t, expected: x, report: report, start: head, seen: map[string]bool{}}
		if err := c.compareTable(ctx); err != nil {
			return nil, errors.Join(errors.New("compare "+t.name), err)
		}
	}
	report.Took = time.Since(began)
	return report, nil
}
