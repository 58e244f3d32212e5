// Package supervise keeps work going through faults: it runs session after session, pauses longer after each failure, and logs when a
// fault begins instead of at every attempt.
package supervise

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"ticketing/internal/wait"
)

// Config is how sessions follow each other.
type Config struct {
	Name     string        // Of the work, as the log calls it. Required.
	Shortest time.Duration // The pause after the first failure; it doubles with each further one. Required.
	Longest  time.Duration // The longest pause. A session that lasts longer than this counts as a success. Required.
	Expected []error       // Not logged: these are no faults. Default: none.
	Logger   *slog.Logger  // Default: slog.Default().
}

// Loop runs the sessions of one piece of work. It is for one goroutine.
type Loop struct {
	cfg   Config
	pause time.Duration
	fault string // "": none since the last session that worked
}

// New returns a loop.
func New(cfg Config) *Loop {
	if cfg.Logger == nil {
		cfg.Logger = slog.Default()
	}
	return &Loop{cfg: cfg, pause: cfg.Shortest}
}

// Run runs session again and again until ctx ends. A session should call Works once it does what it is for.
func (l *Loop) Run(ctx context.Context, session func(context.Context) error) {
	for ctx.Err() == nil {
		began := time.Now()
		err := session(ctx)
		if ctx.Err() != nil {
			return
		}
		l.logFault(err)
		_ = wait.For(ctx, l.nextPause(err, time.Since(began)))
	}
}

// Works notes that the session works, and reports whether this ends a fault.
func (l *Loop) Works() bool {
	recovered := l.fault != ""
	l.fault = ""
	return recovered
}

// logFault logs the beginning of a fault, not every attempt.
func (l *Loop) logFault(err error) {
	if err == nil || err.Error() == l.fault || l.isExpected(err) {
		return
	}
	l.fault = err.Error()
	l.cfg.Logger.Warn(l.cfg.Name+" stopped; it starts again by itself", "error", err)
}

func (l *Loop) isExpected(err error) bool {
	for _, expected := range l.cfg.Expected {
		if errors.Is(err, expected) {
			return true
		}
	}
	return false
}

func (l *Loop) nextPause(err error, lasted time.Duration) time.Duration {
	if err == nil || lasted > l.cfg.Longest {
		l.pause = l.cfg.Shortest
		return l.pause
	}
	pause := l.pause
	l.pause = min(2*pause, l.cfg.Longest)
	return pause
}
