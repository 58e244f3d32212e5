// Package verify proves that the read tables say what the log says: it replays the log through the aggregates, checks their invariants
// (package audit), and compares all read tables with the resulting states, row by row and column by column.
//
// It only reads, takes no locks, and may run beside everything else. It works event by event, in parts of bounded size, so that a large log
// needs no more memory than a small one. It shares the types of the rows with the projections, but fills them from the aggregates' states,
// not with the projections' code, so that a mistake made there does not hide itself.
package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/audit"
	"ticketing/command/eventstore"
	"ticketing/command/relay/progress"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/projection"
	"ticketing/projector/sales"
)

// Config is what Run needs.
type Config struct {
	Events   *pgxpool.Pool        // The events database, which holds the log. Required.
	Read     *pgxpool.Pool        // The database of the read tables. Required.
	Registry *eventstore.Registry // Required.
	Topics   map[string]string    // Names of topics by category of streams: they tell how far the projections are. Required.
	// WindingUp reads which cancelled events may not be wound up yet: saga.ReadWindingUp. Required.
	WindingUp func(ctx context.Context, events eventstore.Querier) (audit.WindingUp, error)
	Wait      time.Duration // How long to wait, in all, for projections that are behind. Default: not at all.
	Show      int           // How many findings of each kind the report keeps; all are counted. Default: none.

	// EventIDs or Begun narrow the run to some events, with all that was sold of them. What belongs to no single event is left out: the
	// density of the log, the sums of customers, rows without a stream. Default: everything.
	EventIDs []string
	Begun    eventstore.Stretch // The part of the log in which the events begin; Until 0: to its end. Default: everything.
}

func (c Config) isWhole() bool { return len(c.EventIDs) == 0 && c.Begun == eventstore.Stretch{} }

// ErrIncarnation says that the log got a new incarnation during the run.
var ErrIncarnation = errors.New("the log got a new incarnation meanwhile; run it again")

// run is one run.
type run struct {
	Config

	report    *Report
	expected  *expected
	windingUp audit.WindingUp
	start     eventstore.Head // of the log, at the beginning of the run
	lags      map[string]*lag // how far the projections are, by name
}

// lag is how far a projection is.
type lag struct {
	ends    map[progress.PartitionID]int64 // of its partitions, once everything was published that was in the log at the beginning
	passed  bool                           // it has applied everything that was in the log at the beginning
	foreign string                         // the incarnation of the log that it shows, if that is another one
}

// Run verifies the log and the read tables. Its error says why it could not; what it finds is in the report.
func Run(ctx context.Context, cfg Config) (*Report, error) {
	began := time.Now()
	r := &run{Config: cfg, report: newReport(cfg.Show), expected: newExpected(cfg.Registry), lags: map[string]*lag{}}
	var err error
	if r.windingUp, err = cfg.WindingUp(ctx, cfg.Events); err != nil { // before the head: what is wound up by now is so in the log up to the head
		return nil, err
	}
	if r.start, err = eventstore.ReadHead(ctx, cfg.Events); err != nil {
		return nil, err
	}
	for _, step := range []func(context.Context) error{
		r.awaitProjections, r.reportProjections, r.verifyEvents, r.compareSums, r.checkIncarnation,
	} {
		if err := step(ctx); err != nil {
			return nil, err
		}
	}
	r.report.addAudit()
	r.report.Took = time.Since(began)
	return r.report, nil
}

// compareSums compares what is not of single events, or only to be found through the tables.
func (r *run) compareSums(ctx context.Context) error {
	if !r.isWhole() {
		return nil
	}
	for _, t := range r.expected.tables() {
		if err := r.ifShown(t.projection, func() error { return r.comparisonOf(t).findStrangers(ctx) }); err != nil {
			return err
		}
	}
	for _, sums := range []struct {
		of      projection.Projection
		compare func(context.Context) error
	}{
		{availability.Projection{}, r.findOrphans}, {sales.Projection{}, r.compareAllSales}, {customers.Projection{}, r.compareCustomers},
	} {
		if err := r.ifShown(sums.of, func() error { return sums.compare(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// ifShown compares tables, unless they show another incarnation of the log.
func (r *run) ifShown(p projection.Projection, compare func() error) error {
	if r.lags[p.Name()].foreign != "" {
		return nil
	}
	if err := compare(); err != nil {
		return fmt.Errorf("compare %s: %w", p.Name(), err)
	}
	return nil
}

func (r *run) checkIncarnation(ctx context.Context) error {
	head, err := eventstore.ReadHead(ctx, r.Events)
	if err == nil && head.Incarnation != r.start.Incarnation {
		err = ErrIncarnation
	}
	return err
}
