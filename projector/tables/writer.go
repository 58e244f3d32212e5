// Package tables writes batches of records into one generation of a projection's tables.
//
// A batch is written in one transaction together with the checkpoints that it moves. Versions that it skips are read from the log first.
// A record that can't be applied for a reason of its own goes to the dead letters, and its stream waits behind it; any other fault is the
// caller's to retry.
//
// A stream whose records make so many rows that all others would wait for them goes to the backlog, where its rows are written in parts.
package tables

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"

	"ticketing/command/eventstore"
	"ticketing/internal/announce"
	"ticketing/projector/db"
	"ticketing/projector/projection"
)

// ErrIncarnation says that the tables were filled from another incarnation of the log.
var ErrIncarnation = errors.New("the log has a new incarnation")

// Config says where the log and the read tables are.
type Config struct {
	Events     *pgxpool.Pool                            // The events database, which holds the log. Required.
	Read       *pgxpool.Pool                            // The database of the read tables. Required.
	Registry   *eventstore.Registry                     // Of all domain events. Required.
	Logger     *slog.Logger                             // Default: slog.Default().
	Registerer prometheus.Registerer                    // Default: metrics are not registered.
	Announce   func(context.Context, []announce.Change) // Is called with what a commit has changed. Default: changes are not announced.

	metrics *metrics // shared by the writers that are opened with the Config
}

// WithDefaults returns the Config with the defaults of what is not set. It registers the metrics, once for all writers that are opened with
// what it returns.
func (c Config) WithDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	if c.metrics == nil {
		c.metrics = newMetrics(c.Registerer)
	}
	if c.Announce == nil {
		c.Announce = func(context.Context, []announce.Change) {}
	}
	return c
}

// Writer writes batches of one projection into one generation of its tables.
type Writer struct {
	Config
	Projection  projection.Projection
	Incarnation string // of the log that the tables are filled from

	generation int64
	guard      func(ctx context.Context, tx pgx.Tx) error // begins each transaction: are the tables those of the generation?
	within     pgx.Tx                                     // the transaction that everything is a part of; nil: each batch has its own
	whole      bool                                       // records that make very many rows are applied with their batch
	added      chan struct{}                              // has an element when there may be more in the backlog
}

// Open returns a writer for the live tables of a projection and the head of the log. Tables that were never written are taken to be of
// the log's present incarnation.
func Open(ctx context.Context, cfg Config, p projection.Projection) (*Writer, eventstore.Head, error) {
	cfg = cfg.WithDefaults()
	cfg.Logger = cfg.Logger.With("projection", p.Name())
	head, err := eventstore.ReadHead(ctx, cfg.Events)
	if err != nil {
		return nil, head, err
	}
	q := db.New(cfg.Read)
	if err := q.AddProjection(ctx, db.AddProjectionParams{Name: p.Name(), Incarnation: head.Incarnation}); err != nil {
		return nil, head, fmt.Errorf("add projection %s: %w", p.Name(), err)
	}
	row, err := q.Projection(ctx, p.Name())
	if err != nil {
		return nil, head, fmt.Errorf("read projection %s: %w", p.Name(), err)
	}
	w := &Writer{Config: cfg, Projection: p, Incarnation: row.Incarnation, generation: row.Generation, added: make(chan struct{}, 1)}
	w.guard = w.checkGeneration
	w.metrics.show(p.Name())
	return w, head, nil
}

// Into returns a writer into other tables, which guard makes the ones that statements mean. It announces nothing and has no backlog: its
// caller cuts batches (projection.CutRows).
func (w *Writer) Into(guard func(ctx context.Context, tx pgx.Tx) error) *Writer {
	other := *w
	other.guard, other.Announce, other.whole = guard, func(context.Context, []announce.Change) {}, true
	return &other
}

// Within returns a writer whose batches are part of a transaction.
func (w *Writer) Within(tx pgx.Tx) *Writer {
	other := *w
	other.within = tx
	return &other
}

// Generation returns the generation of the live tables that the writer was opened for.
func (w *Writer) Generation() int64 { return w.generation }

// transact runs work in a guarded transaction.
func (w *Writer) transact(ctx context.Context, work func(pgx.Tx) error) error {
	guarded := func(tx pgx.Tx) error {
		if err := db.New(tx).Enter(ctx, w.Projection.Name()); err != nil {
			return fmt.Errorf("enter the tables: %w", err)
		}
		if err := w.guard(ctx, tx); err != nil {
			return err
		}
		return work(tx)
	}
	if w.within != nil {
		return pgx.BeginFunc(ctx, w.within, guarded)
	}
	return pgx.BeginFunc(ctx, w.Read, guarded)
}

// checkGeneration is the guard of the live tables.
func (w *Writer) checkGeneration(ctx context.Context, tx pgx.Tx) error {
	generation, err := db.New(tx).Generation(ctx, w.Projection.Name())
	if errors.Is(err, pgx.ErrNoRows) || (err == nil && generation != w.generation) {
		return projection.ErrFenced
	}
	if err != nil {
		return fmt.Errorf("read the generation of the tables: %w", err)
	}
	return nil
}

// Write commits the batch, or returns a fault that may pass. Each round through the loop closes a gap or finds a dead letter.
func (w *Writer) Write(ctx context.Context, b Batch) error {
	dead := deadLetters{}
	for {
		changes, err := w.tryWrite(ctx, b, dead)
		if err == nil {
			w.Announce(ctx, changes)
			return nil
		}
		if gap, ok := errors.AsType[*projection.GapError](err); ok {
			missing, err := w.closeGap(ctx, gap)
			if err != nil {
				return err
			}
			dead.addMissing(b.Records, missing, gap)
			continue
		}
		failed, ok := errors.AsType[*projection.RecordError](err)
		if !ok && isDataError(err) {
			failed, err = w.findRefused(ctx, b.Records, dead, err)
		}
		if failed == nil {
			return err
		}
		dead[failed.StreamID] = failed
	}
}

// tryWrite writes the batch in one transaction, without the dead letters and the records of their streams behind them.
func (w *Writer) tryWrite(ctx context.Context, b Batch, dead deadLetters) (changes []announce.Change, err error) {
	var bulky []string
	var foreign []projection.RecordError
	err = w.transact(ctx, func(tx pgx.Tx) error {
		q := db.New(tx)
		free, waiting, err := w.splitWaiting(ctx, q, b.Records, dead)
		if err != nil {
			return err
		}
		if free, bulky, err = w.splitBulky(ctx, tx, free); err != nil {
			return err
		}
		if len(free) > 0 {
			if changes, err = w.Projection.Apply(ctx, tx, free); err != nil {
				return err
			}
		}
		if foreign, err = w.keepForeign(ctx, q, b.Foreign); err != nil {
			return err
		}
		if err := w.saveDeadLetters(ctx, q, foreign, dead, waiting); err != nil {
			return err
		}
		if err := w.addBacklog(ctx, q, bulky); err != nil {
			return err
		}
		if b.Along != nil {
			return b.Along(ctx, q)
		}
		return w.moveCheckpoints(ctx, q, b.Marks)
	})
	if err != nil {
		return nil, err
	}
	w.reportDeadLetters(len(b.Foreign), len(foreign), dead)
	w.announceBacklog(bulky)
	return changes, nil
}
