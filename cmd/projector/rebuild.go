package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"ticketing/projector"
)

// rebuilding rebuilds projections, one after another.
type rebuilding struct{ names []string }

// run goes on with the others when one fails.
func (r rebuilding) run(ctx context.Context, cfg projector.Config, out io.Writer) (bool, error) {
	var failed []error
	for _, name := range r.names {
		show := display{out: out, began: time.Now()}
		cfg.Progress = show.tell
		if err := projector.Rebuild(ctx, cfg, name); err != nil {
			failed = append(failed, err)
		}
		if ctx.Err() != nil {
			break
		}
	}
	return true, errors.Join(failed...)
}

// display prints the progress of a rebuild for people.
type display struct {
	out   io.Writer
	began time.Time
	told  time.Time
}

// tell prints what is new, and how far it has come every other second.
func (d *display) tell(p projector.Progress) {
	switch p.Stage {
	case projector.Resumed:
		d.say("%s: goes on at position %d, where an earlier rebuild was ended", p.Projection, p.Position)
	case projector.Filling:
		if time.Since(d.told) >= 2*time.Second {
			d.told = time.Now()
			d.say("%s: position %d of %d (%d %%), %.0f/s%s", p.Projection, p.Position, p.Head, percent(p.Position, p.Head), p.Rate, left(p.Left))
		}
	case projector.Waiting:
		d.say("%s: filled, and waits for a long query that reads the old tables", p.Projection)
	case projector.Switched:
		d.say("%s: rebuilt up to position %d in %s", p.Projection, p.Position, time.Since(d.began).Round(100*time.Millisecond))
	}
}

func (d *display) say(format string, args ...any) { _, _ = fmt.Fprintf(d.out, format+"\n", args...) }

func percent(part, whole int64) int64 {
	if whole == 0 {
		return 100
	}
	return 100 * part / whole
}

func left(d time.Duration) string {
	if d <= 0 {
		return ""
	}
	return fmt.Sprintf(", %s left", d.Round(time.Second))
}
