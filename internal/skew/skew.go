// Package skew compares a process's clock with PostgreSQL's. What is decided about sales takes PostgreSQL's time, but sessions, rate limits and
// certificates go by the process's own: it must not be trusted with them when its clock is wrong.
package skew

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"ticketing/internal/wait"
)

const (
	// Most is how far a clock may be off. Clocks that NTP keeps differ by milliseconds.
	Most = time.Second
	// measureTimeout bounds one measurement. A slow one says little: half of what it took is its uncertainty.
	measureTimeout = 2 * time.Second
)

// Querier is what measuring needs of a pool.
type Querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Config is what a Watch needs.
type Config struct {
	Database   Querier               // Whose clock is the right one. Required.
	Clock      func() time.Time      // Of the process. Default: time.Now.
	Every      time.Duration         // Default: 1s.
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: the metric is not registered.
}

func (c Config) withDefaults() Config {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	return c
}

// Watch measures repeatedly. Make it with New and start it with Run.
type Watch struct {
	Config

	gauge prometheus.Gauge
	mu    sync.Mutex
	wrong error // what Check returns
}

// New returns a Watch that has not measured yet.
func New(c Config) *Watch {
	c = c.withDefaults()
	return &Watch{Config: c, gauge: promauto.With(c.Registerer).NewGauge(prometheus.GaugeOpts{
		Namespace: "ticketing", Name: "clock_skew_seconds", Help: "How far this process's clock is ahead of PostgreSQL's, by the last measurement.",
	})}
}

// Run measures until ctx ends.
func (w *Watch) Run(ctx context.Context) {
	for ctx.Err() == nil {
		w.measure(ctx)
		_ = wait.For(ctx, w.Every)
	}
}

// Check returns an error if the process's clock was more than Most off when it was last measured. While PostgreSQL can't be asked, the last
// measurement counts.
func (w *Watch) Check(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.wrong
}

// measure asks PostgreSQL for its time. A fault of the connection is reported by others.
func (w *Watch) measure(ctx context.Context) {
	asking, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	began, ours := time.Now(), w.Clock()
	var theirs time.Time
	if err := w.Database.QueryRow(asking, `SELECT clock_timestamp()`).Scan(&theirs); err != nil {
		return
	}
	uncertain := time.Since(began) / 2
	skew := ours.Add(uncertain).Sub(theirs)
	w.gauge.Set(skew.Seconds())
	w.note(ctx, skew, skew.Abs()-uncertain > Most)
}

// note records a measurement, and logs when the clock becomes wrong and right again.
func (w *Watch) note(ctx context.Context, skew time.Duration, isWrong bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	was := w.wrong != nil
	w.wrong = nil
	if isWrong {
		w.wrong = fmt.Errorf("this process's clock is %s ahead of PostgreSQL's", skew.Round(time.Millisecond))
	}
	switch {
	case isWrong && !was:
		w.Logger.ErrorContext(ctx, "this process's clock is wrong", "ahead of PostgreSQL", skew.String())
	case was && !isWrong:
		w.Logger.InfoContext(ctx, "this process's clock is right again", "ahead of PostgreSQL", skew.String())
	}
}
