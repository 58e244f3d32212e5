package projector

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/eventstore"
	"ticketing/internal/wait"
	"ticketing/projector/db"
)

// ErrRebuilding says that another process is at it.
var ErrRebuilding = errors.New("it is being rebuilt by another process already")

// Progress is how far a rebuild has come.
type Progress struct {
	Projection string
	Stage      Stage
	Position   int64         // of the log, up to which the new tables are filled
	Head       int64         // where the log ends
	Rate       float64       // positions a second, in this run
	Left       time.Duration // until the head is reached at that rate
}

// Stage is what a rebuild is at.
type Stage string

// The stages of a rebuild.
const (
	Resumed  Stage = "resumed"  // it goes on where an earlier run was ended
	Filling  Stage = "filling"  // the log is read
	Waiting  Stage = "waiting"  // the tables can't be switched while a long query reads the old ones
	Switched Stage = "switched" // it is done
)

// Rebuild fills a new generation of a projection's tables straight from the log, beside the live ones, and switches to it. Readers
// and projectors go on meanwhile. A rebuild that ended in the middle, however it did, is resumed by the next one of the same program;
// what another program has filled is thrown away.
func Rebuild(ctx context.Context, cfg Config, projection string) error {
	p, err := find(projection)
	if err != nil {
		return err
	}
	w, head, err := newWriter(ctx, cfg, p, newMetrics(nil))
	if err != nil {
		return err
	}
	err = withRebuildLock(ctx, w, func(ctx context.Context, locked bool) error {
		if !locked {
			return ErrRebuilding
		}
		return rebuild(ctx, w, head.Incarnation, cfg.Progress)
	})
	if err != nil {
		return fmt.Errorf("projector: rebuild %s: %w", projection, err)
	}
	return nil
}

// rebuildForeign rebuilds tables that were filled from another incarnation of the log, unless another process does or has.
func rebuildForeign(ctx context.Context, live *writer) error {
	for ctx.Err() == nil {
		done := false
		err := withRebuildLock(ctx, live, func(ctx context.Context, locked bool) error {
			if !locked {
				return nil
			}
			done = true
			head, err := eventstore.ReadHead(ctx, live.events)
			if err != nil {
				return err
			}
			now, err := db.New(live.read).Projection(ctx, live.projection.Name())
			if err != nil || now.Incarnation == head.Incarnation {
				return err
			}
			return rebuild(ctx, live, head.Incarnation, nil)
		})
		if err != nil {
			return fmt.Errorf("projector: rebuild %s: %w", live.projection.Name(), err)
		}
		if done {
			return nil
		}
		_ = wait.For(ctx, time.Second) // on short statements, which no timeout ends
	}
	return ctx.Err()
}

// withRebuildLock works under the lock of the projection's rebuild, which lasts as long as a connection of its own, or says that
// somebody else has it.
func withRebuildLock(ctx context.Context, live *writer, work func(ctx context.Context, locked bool) error) error {
	conn, err := live.read.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("take a connection: %w", err)
	}
	defer conn.Release()
	var locked bool
	name := live.projection.Name()
	err = conn.QueryRow(ctx, `SELECT pg_try_advisory_lock(hashtext('ticketing rebuild'), hashtext($1))`, name).Scan(&locked)
	if err != nil {
		return fmt.Errorf("lock: %w", err)
	}
	if locked {
		defer unlockRebuild(ctx, conn, name)
	}
	return work(ctx, locked)
}

func unlockRebuild(ctx context.Context, conn *pgxpool.Conn, projection string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if _, err := conn.Exec(ctx, `SELECT pg_advisory_unlock(hashtext('ticketing rebuild'), hashtext($1))`, projection); err != nil {
		_ = conn.Conn().Close(ctx) // which gives the lock back as well
	}
}

// rebuild resumes a rebuild or starts one, and answers when the new tables are live.
func rebuild(ctx context.Context, live *writer, incarnation string, progress func(Progress)) error {
	build, err := thisProgram()
	if err != nil {
		return err
	}
	r := &rebuilding{live: live, schema: "rebuild_" + live.projection.Name(), incarnation: incarnation, build: build, progress: progress}
	if r.schemaVersion, err = readSchemaVersion(ctx, live.read); err != nil {
		return err
	}
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
		r.tell(Resumed, r.position)
	}
	return r.run(ctx)
}

// rebuilding is one rebuild. The new tables have the live ones' names in a schema of their own, so that the search path decides
// which of them a statement means.
type rebuilding struct {
	live          *writer
	schema        string
	incarnation   string
	build         string
	schemaVersion int64
	position      int64 // everything up to here is in the new tables

	progress func(Progress)
	began    time.Time
	from     int64 // position at which this run began
}

// run fills the new tables, and switches when next to nothing is missing.
func (r *rebuilding) run(ctx context.Context) error {
	if err := r.fill(ctx); err != nil {
		return err
	}
	// New tables have no statistics: the first queries would be planned blindly.
	for _, table := range r.live.projection.Tables() {
		if _, err := r.live.read.Exec(ctx, `ANALYZE `+pgx.Identifier{r.schema, table}.Sanitize()); err != nil {
			return fmt.Errorf("analyze %s: %w", table, err)
		}
	}
	for retry := time.Second; ; retry = min(2*retry, 10*time.Second) {
		if err := r.fill(ctx); err != nil {
			return err
		}
		err := r.switchOver(ctx)
		if !isLockTimeout(err) {
			return err
		}
		r.tell(Waiting, r.position)
		_ = wait.For(ctx, retry)
	}
}

// tell reports progress.
func (r *rebuilding) tell(stage Stage, head int64) {
	if r.progress == nil {
		return
	}
	p := Progress{Projection: r.live.projection.Name(), Stage: stage, Position: r.position, Head: max(head, r.position)}
	if elapsed := time.Since(r.began).Seconds(); elapsed > 0 {
		p.Rate = float64(r.position-r.from) / elapsed
	}
	if p.Rate > 0 {
		p.Left = time.Duration(float64(p.Head-p.Position) / p.Rate * float64(time.Second))
	}
	r.progress(p)
}
