// Package relay publishes the log to the broker: every domain event at least once, those of one stream in order, within milliseconds of
// its commit.
//
// Any number of relays may run. One of them holds the lease and publishes; the others stand by. A relay that dies loses nothing: the
// cursor moves once the broker has acknowledged, so at worst a page is published twice. If the broker loses records, the relay publishes
// them again from the log. Readers must expect duplicates, and offsets that start over.
package relay

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/cloudevents"
	"ticketing/internal/supervise"
	"ticketing/internal/wait"
)

// Config is what a relay needs.
type Config struct {
	Pool       *pgxpool.Pool         // Of the events database. Required.
	Kafka      []kgo.Opt             // How to reach the broker: seed brokers, TLS, SASL. Required.
	Topics     map[string]string     // Names of topics by category of streams; other categories are not published. Required.
	Partitions int32                 // Of a topic that the relay creates. Default: 1.
	Keys       cloudevents.Keys      // Sign the records. Default: they are not signed.
	Logger     *slog.Logger          // Default: slog.Default().
	Registerer prometheus.Registerer // Default: metrics are not registered.
}

func (c Config) withDefaults() Config {
	c.Partitions = cmp.Or(c.Partitions, 1)
	c.Logger = cmp.Or(c.Logger, slog.Default())
	return c
}

func (c Config) validate() error {
	if c.Pool == nil || len(c.Kafka) == 0 || len(c.Topics) == 0 {
		return errors.New("run the relay: Pool, Kafka and Topics are required")
	}
	return nil
}

const (
	pageSize       = 2000                  // domain events that are read, published and acknowledged at a time
	shortestIdle   = 2 * time.Millisecond  // between reads of a log that has just grown …
	longestIdle    = 20 * time.Millisecond // … and of one that has not
	verifyEvery    = 3 * time.Second       // between comparisons of the partitions' tails with what was published
	standbyEvery   = 300 * time.Millisecond
	metadataAge    = 50 * time.Millisecond // after which the client asks the broker for metadata again
	publishTimeout = 10 * time.Second      // after which a new session begins
	shortestRetry  = 50 * time.Millisecond
	longestRetry   = 2 * time.Second
)

// errStandby says that another relay holds the lease.
var errStandby = errors.New("another relay holds the lease")

// Run publishes until ctx ends, despite faults of the database and the broker. It returns an error only if cfg lacks a required field.
func Run(ctx context.Context, cfg Config) error {
	if err := cfg.validate(); err != nil {
		return err
	}
	cfg = cfg.withDefaults()
	metrics := newMetrics(cfg.Registerer)
	for _, topic := range cfg.Topics {
		metrics.refills.WithLabelValues(topic) // so that it can be watched from the start
	}
	go watchLag(ctx, cfg.Pool, metrics)

	breaker := newBreaker(metrics)
	loop := supervise.New(supervise.Config{
		Name: "relay", Shortest: shortestRetry, Longest: longestRetry, Expected: []error{gobreaker.ErrOpenState}, Logger: cfg.Logger,
	})
	l := newLease(cfg.Pool)
	loop.Run(ctx, func(ctx context.Context) error {
		err := leadUntilFault(ctx, l, &session{cfg: cfg, db: cfg.Pool, metrics: metrics, breaker: breaker}, loop)
		if errors.Is(err, errStandby) {
			return wait.For(ctx, standbyEvery)
		}
		return err
	})
	return nil
}

// leadUntilFault takes the lease and publishes until the first fault, which ends the session: the next one reads again what the broker
// and the database have.
func leadUntilFault(ctx context.Context, l lease, s *session, loop *supervise.Loop) error {
	if s.breaker.State() == gobreaker.StateOpen {
		return gobreaker.ErrOpenState // leave the lease to a relay that can use it
	}
	if err := l.take(ctx); err != nil {
		return err
	}
	defer l.release(ctx)
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	go func() { end(l.keep(ctx)) }()

	s.metrics.leading.Set(1)
	defer s.metrics.leading.Set(0)
	if err := s.breaker.guard(ctx, func() error { return s.open(ctx) }); err != nil {
		return endedBy(ctx, err)
	}
	defer s.client.Close()
	message := "relay publishes"
	if loop.Works() {
		message = "relay publishes again"
	}
	s.cfg.Logger.Info(message, "position", s.cursor.Position)
	return endedBy(ctx, s.publishUntilFault(ctx))
}

// endedBy returns why the session has ended: the loss of the lease, if that made err.
func endedBy(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}
