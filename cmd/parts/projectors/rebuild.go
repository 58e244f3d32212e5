package projectors

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ticketing/projector"
	"ticketing/projector/rebuild"
)

// rebuildAll rebuilds projections one after another, also when one fails.
type rebuildAll struct{ names []string }

func (r rebuildAll) run(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error) {
	var failed []error
	for _, name := range r.names {
		show := display{out: out, began: time.Now()}
		cfg.Progress = show.progress
		if err := projector.Rebuild(ctx, cfg, name); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return true, errors.Join(failed...)
}

// display prints the progress of a rebuild.
type display struct {
	out     io.Writer
	began   time.Time
	printed time.Time // when the position was printed last
}

// progress prints each new stage, and the position every other second.
func (d *display) progress(p rebuild.Progress) {
	switch p.Stage {
	case rebuild.Resumed:
		d.printLine("%s: resumes at position %d, where an earlier rebuild ended", p.Projection, p.Position)
	case rebuild.Filling:
		if time.Since(d.printed) >= 2*time.Second {
			d.printed = time.Now()
			d.printLine("%s: position %d of %d (%d %%), %.0f/s%s", p.Projection, p.Position, p.Head, percent(p.Position, p.Head), p.Rate, formatLeft(p.Left))
		}
	case rebuild.Waiting:
		d.printLine("%s: filled, waiting for a long query that reads the old tables", p.Projection)
	case rebuild.Switched:
		d.printLine("%s: rebuilt up to position %d in %s", p.Projection, p.Position, time.Since(d.began).Round(100*time.Millisecond))
	}
}

func (d *display) printLine(format string, args ...any) {
	_, _ = fmt.Fprintf(d.out, format+"\n", args...)
}

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}

func formatLeft(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s left", d.Round(time.Second))
}
