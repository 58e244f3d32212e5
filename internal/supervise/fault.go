package supervise

import (
	"cmp"
	"context"
	"log/slog"
	"sync"
	"time"
)

// Fault logs the beginning and the end of a fault, not each attempt that fails. It is safe for concurrent use.
type Fault struct {
	name   string
	logger *slog.Logger

	mu    sync.Mutex
	since time.Time // zero: there is no fault
}

// NewFault returns a Fault of what is named, "the broker". logger is slog.Default() if nil.
func NewFault(name string, logger *slog.Logger) *Fault {
	return &Fault{name: name, logger: cmp.Or(logger, slog.Default())}
}

// Note notes the result of an attempt: nil if it worked.
func (f *Fault) Note(ctx context.Context, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case err != nil && f.since.IsZero():
		f.since = time.Now()
		f.logger.WarnContext(ctx, f.name+" fails; it is tried again", "error", err)
	case err == nil && !f.since.IsZero():
		f.logger.InfoContext(ctx, f.name+" works again", "after", time.Since(f.since).Round(time.Millisecond).String())
		f.since = time.Time{}
	}
}

// Repeat calls do at once, and then every so often until ctx ends, and notes the results.
func (f *Fault) Repeat(ctx context.Context, every time.Duration, do func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if err := do(ctx); ctx.Err() == nil {
			f.Note(ctx, err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// repeatAfter is how long a message is not repeated, and mostMessages how many different ones are known.
const (
	repeatAfter  = time.Minute
	mostMessages = 100
)

// Repetitions tells the news among the messages of a library that logs each attempt that fails. It is safe for concurrent use.
type Repetitions struct {
	mu     sync.Mutex
	logged map[string]time.Time // when each message was news last
}

// NewRepetitions returns a Repetitions that knows no message.
func NewRepetitions() *Repetitions { return &Repetitions{logged: map[string]time.Time{}} }

// IsNews reports whether a message was not news within the last minute, and notes that it is now.
func (r *Repetitions) IsNews(message string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, ok := r.logged[message]; ok && time.Since(last) < repeatAfter {
		return false
	}
	if len(r.logged) >= mostMessages {
		clear(r.logged)
	}
	r.logged[message] = time.Now()
	return true
}
