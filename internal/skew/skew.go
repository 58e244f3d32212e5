// Package skew compares a process's clock with those of PostgreSQL and Redis. What is decided about sales takes PostgreSQL's time, and sessions, links
// and rate limits take Redis's; but certificates and the signatures of webhooks go by the process's own. A process whose clock is wrong must
// not be trusted with them. When PostgreSQL's is wrong, no process is to blame: all of them go on.
package skew

import (
	"context"
	"errors"
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
	Database Querier          // Whose clock is the right one. Required.
	Clock    func() time.Time // Of the process. Default: time.Now.
	// Witness tells the time of Redis, to know which of two clocks that differ is wrong. Default: it is not known.
	Witness    func(context.Context) (time.Time, error)
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

	gauge  prometheus.Gauge
	mu     sync.Mutex
	own    error // what Check returns
	others error // what CheckOthers returns
}

// New returns a Watch that has not measured yet.
func New(c Config) *Watch {
	if c.Database == nil {
		panic("watch the clock: Database is required")
	}
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

// Check returns an error if the process's clock was more than Most off PostgreSQL's and the witness's when it was last measured. While
// PostgreSQL can't be asked, the last measurement counts.
func (w *Watch) Check(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.own
}

// CheckOthers returns an error if clocks differ otherwise: PostgreSQL's or the witness's is wrong, or it is not known whose.
func (w *Watch) CheckOthers(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.others
}

// measurement is how far the process's clock is ahead of another.
type measurement struct {
	ahead          time.Duration
	known, isWrong bool
}

// measure compares the clocks. A fault of a connection is reported by others.
func (w *Watch) measure(ctx context.Context) {
	database := w.compare(ctx, func(ctx context.Context) (theirs time.Time, err error) {
		err = w.Database.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&theirs)
		return theirs, err // only whether there is one
	})
	if !database.known {
		return
	}
	w.gauge.Set(database.ahead.Seconds())
	var witness measurement
	if w.Witness != nil {
		witness = w.compare(ctx, w.Witness)
	}
	w.note(ctx, database, witness)
}

// compare asks another clock. The answer may have taken all of the way there or all of the way back.
func (w *Watch) compare(ctx context.Context, ask func(context.Context) (time.Time, error)) (m measurement) {
	asking, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	began, ours := time.Now(), w.Clock()
	theirs, err := ask(asking)
	if err != nil {
		return m
	}
	uncertain := time.Since(began) / 2
	m.ahead, m.known = ours.Add(uncertain).Sub(theirs), true
	m.isWrong = m.ahead.Abs()-uncertain > Most
	return m
}

// note records a measurement, and logs when a clock becomes wrong and right again.
func (w *Watch) note(ctx context.Context, database, witness measurement) {
	w.mu.Lock()
	defer w.mu.Unlock()
	wasWrong := w.own != nil || w.others != nil
	w.own, w.others = judge(database, witness)
	isWrong := w.own != nil || w.others != nil
	switch {
	case isWrong && !wasWrong:
		w.Logger.ErrorContext(ctx, "a clock is wrong", "error", errors.Join(w.own, w.others))
	case wasWrong && !isWrong:
		w.Logger.InfoContext(ctx, "the clock is right again", "ahead of PostgreSQL", database.ahead.String())
	}
}

// judge tells from two measurements whether the process's own clock is wrong, or another. Two clocks that agree are right.
func judge(database, witness measurement) (own, others error) {
	ahead := database.ahead.Round(time.Millisecond)
	switch {
	case database.isWrong && witness.isWrong:
		return fmt.Errorf("this process's clock is %s ahead of PostgreSQL's", ahead), nil
	case database.isWrong && witness.known:
		return nil, fmt.Errorf("PostgreSQL's clock is wrong: this process's is %s ahead of it, and agrees with Redis's", ahead)
	case database.isWrong:
		return nil, fmt.Errorf("this process's clock is %s ahead of PostgreSQL's", ahead)
	case witness.isWrong:
		return nil, fmt.Errorf("the clock of Redis is wrong: this process's is %s ahead of it, and agrees with PostgreSQL's", witness.ahead.Round(time.Millisecond))
	}
	return nil, nil
}
