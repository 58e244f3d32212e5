// Package projector turns the published log into the read tables.
//
// Delivery may repeat, start over or be repartitioned; offsets are never relied on for being right. A row carries its stream's
// version and takes only the next one; what is missing in between is read from the log. A batch of records is folded in memory and
// written in one transaction together with its checkpoint, so that tables and checkpoint never tell different stories. A record
// that can't be applied for a reason of its own goes to the dead letters, and its stream waits behind it; everything else is tried
// again for ever.
package projector

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/internal/supervise"
)

// Config is what projectors need.
type Config struct {
	Projections []string              // names; empty: all
	Events      *pgxpool.Pool         // the events database, which holds the log
	Read        *pgxpool.Pool         // the database of the read tables
	Redis       redis.UniversalClient // where changes are announced; nil: nowhere
	Kafka       []kgo.Opt             // how to reach the broker: seed brokers, TLS, SASL
	Group       string                // consumer group; each projection has one of its own, "<group>-<projection>"
	Topics      map[string]string     // name of the topic by category of streams
	Registry    *eventstore.Registry
	Logger      *slog.Logger
	Registerer  prometheus.Registerer // nil: nobody sees the metrics
	Progress    func(Progress)        // is told how a rebuild goes; nil: nobody is
}

const (
	batchSize = 5000 // records folded and committed at a time
	lookEvery = time.Second
	// sessionTimeout is how long the partitions of a projector that was killed wait for another one; one that only looks dead, such as
	// a frozen process, is fenced by its checkpoints.
	sessionTimeout = 10 * time.Second
	shortestRetry  = 50 * time.Millisecond
	longestRetry   = 3 * time.Second
)

// Run keeps the projections up to date until ctx ends, through every fault of databases and broker. It answers an error only when
// it was asked for a projection that there is not.
func Run(ctx context.Context, cfg Config) error {
	names := cfg.Projections
	if len(names) == 0 {
		names = Names()
	}
	metrics := newMetrics(cfg.Registerer)
	announcer := newAnnouncer(cfg.Redis, metrics, cfg.Logger)
	runners := make([]*runner, len(names))
	for i, name := range names {
		p, err := find(name)
		if err != nil {
			return err
		}
		topics, err := topicsOf(p, cfg.Topics)
		if err != nil {
			return err
		}
		runners[i] = &runner{
			cfg: cfg, projection: p, topics: topics, metrics: metrics, announcer: announcer, log: cfg.Logger.With("projection", name),
		}
	}
	var group sync.WaitGroup
	for _, r := range runners {
		group.Go(func() { r.run(ctx) })
	}
	group.Go(func() { announcer.run(ctx) })
	group.Wait()
	return nil
}

// topicsOf answers the topics that the projection reads, of the names by category of streams.
func topicsOf(p Projection, names map[string]string) ([]string, error) {
	topics := make([]string, 0, len(names))
	for _, category := range p.Categories() {
		if names[category] == "" {
			return nil, fmt.Errorf("projector: no topic is configured for %s", category)
		}
		topics = append(topics, names[category])
	}
	return topics, nil
}

// runner keeps one projection going.
type runner struct {
	cfg        Config
	projection Projection
	topics     []string
	metrics    *metrics
	announcer  *announcer
	log        *slog.Logger
	replayed   bool // dead letters were tried again since the start
}

// run works in sessions. Any fault ends one, and the next begins from what PostgreSQL says.
func (r *runner) run(ctx context.Context) {
	loop := supervise.New(supervise.Config{Name: "projection", Shortest: shortestRetry, Longest: longestRetry, Logger: r.log})
	loop.Run(ctx, func(ctx context.Context) error {
		return r.session(ctx, func() {
			if loop.Works() {
				r.log.Info("projection goes on")
			}
		})
	})
}
