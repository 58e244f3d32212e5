// Package relay publishes the log to the broker: every domain event at least once, those of one stream in order, within
// milliseconds of its commit.
//
// Any number of relays may run. One of them holds the lease and works; the others stand by. Nothing is lost whenever one dies:
// the cursor moves after the broker has acknowledged, so that at worst a page is published twice. A broker that lost records is
// filled again from the log. Readers must bear duplicates, and must not rely on offsets for being right.
package relay

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/sony/gobreaker/v2"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/supervise"
	"ticketing/internal/wait"
)

// Config is what a relay needs.
type Config struct {
	Pool       *pgxpool.Pool     // of the events database; the lease has a connection of its own with the same settings
	Kafka      []kgo.Opt         // how to reach the broker: seed brokers, TLS, SASL
	Topics     map[string]string // name of the topic by category of streams; other categories are not published
	Partitions int32             // of a topic that has to be created
	Logger     *slog.Logger
	Registerer prometheus.Registerer // nil: nobody sees the metrics
}

const (
	pageSize       = 2000                  // domain events read, published and acknowledged at a time
	shortestIdle   = 2 * time.Millisecond  // between looks at a log that has just moved …
	longestIdle    = 20 * time.Millisecond // … and at one that has been quiet
	verifyEvery    = 3 * time.Second       // compare the partitions' tails with what was published
	standbyEvery   = 300 * time.Millisecond
	metadataAge    = 50 * time.Millisecond // what the broker said last is looked up again after
	publishTimeout = 10 * time.Second      // then a new session looks what is the matter with the broker
	shortestRetry  = 50 * time.Millisecond
	longestRetry   = 2 * time.Second
)

// errStandby says that somebody else holds the lease.
var errStandby = errors.New("another relay holds the lease")

// Run publishes until ctx ends, through every fault of database and broker. It answers nil.
func Run(ctx context.Context, cfg Config) error {
	metrics := newMetrics(cfg.Registerer)
	go watchLag(ctx, cfg.Pool, metrics)

	breaker := newBreaker(metrics)
	loop := supervise.New(supervise.Config{
		Name: "relay", Shortest: shortestRetry, Longest: longestRetry, Expected: []error{gobreaker.ErrOpenState}, Logger: cfg.Logger,
	})
	loop.Run(ctx, func(ctx context.Context) error {
		err := lead(ctx, cfg, metrics, breaker, loop)
		if errors.Is(err, errStandby) {
			return wait.For(ctx, standbyEvery)
		}
		return err
	})
	return nil
}

// lead takes the lease and works until the first fault. A fault ends the session as a whole: what the broker and the database hold
// is looked at afresh by the next one, instead of being guessed by this one.
func lead(ctx context.Context, cfg Config, m *metrics, b *breaker, loop *supervise.Loop) error {
	if b.State() == gobreaker.StateOpen {
		return gobreaker.ErrOpenState // without taking the lease from anybody
	}
	conn, err := takeLease(ctx, cfg.Pool)
	if err != nil {
		return err
	}
	defer closeQuietly(conn)

	s := &session{cfg: cfg, conn: conn, metrics: m, breaker: b}
	m.leading.Set(1)
	defer m.leading.Set(0)
	if err := b.guard(ctx, func() error { return s.open(ctx) }); err != nil {
		return err
	}
	defer s.client.Close()
	message := "relay publishes"
	if loop.Works() {
		message = "relay publishes again"
	}
	cfg.Logger.Info(message, "position", s.cursor.position)
	return s.run(ctx)
}
