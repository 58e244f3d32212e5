// Package rebuild fills a new generation of a projection's tables straight from the log, beside the live one, and switches to it.
//
// Readers and projectors go on meanwhile. The new tables have the live ones' names in a schema of their own, so that the search path
// decides which of them a statement means. Their position moves in the transaction that writes the rows, so that a later run of the same
// program resumes from there, whatever ended the earlier one.
package rebuild

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"ticketing/command/eventstore"
	"ticketing/internal/wait"
	"ticketing/projector/db"
	"ticketing/projector/projection"
	"ticketing/projector/tables"
)

// Progress is how far a rebuild has come.
type Progress struct {
	Projection string
	Stage      Stage
	Position   int64         // of the log, up to which the new tables are filled
	Head       int64         // where the log ends
	Rate       float64       // positions a second, in this run
	Left       time.Duration // until the head is reached at that rate
}

// Stage is what a rebuild does.
type Stage string

// The stages of a rebuild.
const (
	Resumed  Stage = "resumed"  // it resumes an earlier run
	Filling  Stage = "filling"  // it reads the log
	Waiting  Stage = "waiting"  // it can't switch the tables while a long query reads the old ones
	Switched Stage = "switched" // it is done
)

// Run rebuilds a projection, and returns ErrRebuilding if another process does so. It resumes an earlier run of the same program and
// discards what another program has filled. It calls report as it goes on, unless report is nil.
func Run(ctx context.Context, cfg tables.Config, p projection.Projection, report func(Progress)) error {
	live, head, err := tables.Open(ctx, cfg, p)
	if err != nil {
		return err
	}
	err = withLock(ctx, live, func(ctx context.Context, locked bool) error {
		if !locked {
			return ErrRebuilding
		}
		return rebuildTables(ctx, live, head.Incarnation, report)
	})
	if err != nil {
		return fmt.Errorf("rebuild %s: %w", p.Name(), err)
	}
	return nil
}

// Repair rebuilds tables that were filled from another incarnation of the log or that are incomplete, unless that has been done. It returns
// ErrRebuilding if another process does so, and reports whether the tables were replaced since live was opened.
func Repair(ctx context.Context, live *tables.Writer) (replaced bool, err error) {
	err = withLock(ctx, live, func(ctx context.Context, locked bool) error {
		if !locked {
			return ErrRebuilding
		}
		return rebuildIfNeeded(ctx, live)
	})
	if err != nil {
		return false, fmt.Errorf("rebuild %s: %w", live.Projection.Name(), err)
	}
	return isReplaced(ctx, live)
}

func rebuildIfNeeded(ctx context.Context, live *tables.Writer) error {
	head, err := eventstore.ReadHead(ctx, live.Events)
	if err != nil {
		return err
	}
	now, err := db.New(live.Read).Projection(ctx, live.Projection.Name())
	if err != nil {
		return fmt.Errorf("read the projection: %w", err)
	}
	if now.Incarnation == head.Incarnation && !now.Incomplete {
		return nil
	}
	return rebuildTables(ctx, live, head.Incarnation, nil)
}

func isReplaced(ctx context.Context, live *tables.Writer) (bool, error) {
	now, err := db.New(live.Read).Projection(ctx, live.Projection.Name())
	if err != nil {
		return false, fmt.Errorf("read the projection: %w", err)
	}
	return now.Generation != live.Generation(), nil
}

// rebuildTables resumes a rebuild or starts one, and returns when the new tables are live.
func rebuildTables(ctx context.Context, live *tables.Writer, incarnation string, report func(Progress)) error {
	r, err := newRebuilding(ctx, live, incarnation)
	if err != nil {
		return err
	}
	r.report = report
	resumed, err := r.resume(ctx)
	if err != nil {
		return err
	}
	if !resumed {
		if err := r.makeTables(ctx); err != nil {
			return err
		}
	}
	r.began, r.from = time.Now(), r.position
	if resumed {
		r.reportProgress(Resumed, r.position)
	}
	return r.fillAndSwitch(ctx)
}

// rebuilding is one rebuild.
type rebuilding struct {
	live          *tables.Writer
	schema        string
	incarnation   string
	build         string
	schemaVersion int64
	position      int64 // everything up to here is in the new tables
	rows          int   // beside those of streams, written in this run

	report func(Progress)
	began  time.Time
	from   int64 // position at which this run began
}

func newRebuilding(ctx context.Context, live *tables.Writer, incarnation string) (*rebuilding, error) {
	build, err := thisProgram()
	if err != nil {
		return nil, err
	}
	version, err := readSchemaVersion(ctx, live.Read)
	if err != nil {
		return nil, err
	}
	return &rebuilding{
		live: live, schema: "rebuild_" + live.Projection.Name(), incarnation: incarnation, build: build, schemaVersion: version,
	}, nil
}

// fillAndSwitch fills the new tables, and switches to them when almost nothing is missing.
func (r *rebuilding) fillAndSwitch(ctx context.Context) error {
	if err := r.fill(ctx); err != nil {
		return err
	}
	for _, table := range r.live.Projection.Tables() { // new tables have no statistics: the first queries would be planned blindly
		if _, err := r.live.Read.Exec(ctx, `ANALYZE `+pgx.Identifier{r.schema, table}.Sanitize()); err != nil {
			return fmt.Errorf("analyze %s: %w", table, err)
		}
	}
	for retry := time.Second; ; retry = min(2*retry, 10*time.Second) {
		if err := r.fill(ctx); err != nil {
			return err
		}
		err := r.switchTables(ctx)
		if !isLockTimeout(err) {
			return err
		}
		r.reportProgress(Waiting, r.position)
		_ = wait.For(ctx, retry)
	}
}

func (r *rebuilding) reportProgress(stage Stage, head int64) {
	if r.report == nil {
		return
	}
	p := Progress{Projection: r.live.Projection.Name(), Stage: stage, Position: r.position, Head: max(head, r.position)}
	if elapsed := time.Since(r.began).Seconds(); elapsed > 0 {
		p.Rate = float64(r.position-r.from) / elapsed
	}
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Head-p.Position) / p.Rate * float64(time.Second))
	}
	r.report(p)
}
