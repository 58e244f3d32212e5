// Package runner keeps projections up to date from the broker.
//
// Each projection is a member of its own consumer group and works in sessions: any fault ends one, and the next begins from the
// checkpoints in PostgreSQL. Offsets are never relied on for being right. Checkpoints are compared and set, so that a member that lost a
// partition can't write; a partition whose last read record has changed is read again from its start, and so is one that the relay has
// filled again.
package runner

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/supervise"
	"ticketing/projector/projection"
	"ticketing/projector/rebuild"
	"ticketing/projector/tables"
)

const (
	batchSize = 5000 // records folded and committed at a time
	pollFor   = time.Second
	// fetchBytes bounds what of the topics is in memory, several times over once it is decoded: sections of thousands of rows are large.
	fetchBytes = 8 << 20
	// sessionTimeout is how long the partitions of a killed projector wait for another one. One that only looks dead, such as a frozen
	// process, is fenced by its checkpoints.
	sessionTimeout = 10 * time.Second
	shortestRetry  = 50 * time.Millisecond
	longestRetry   = 3 * time.Second
)

// Config is what Run needs. All fields are required, except as noted.
type Config struct {
	Projections []projection.Projection
	Tables      tables.Config         // Run sets its Metrics and Announce
	Redis       redis.UniversalClient // where changes are announced. Default: nowhere.
	Kafka       []kgo.Opt             // how to reach the broker
	Group       string                // each projection has the consumer group "<group>-<projection>"
	Topics      map[string]string     // names of topics by category of streams
	Registerer  prometheus.Registerer // Default: metrics are not registered.
}

// Run keeps the projections up to date until ctx ends, through all faults of databases and broker. It returns an error only if a topic
// is not configured.
func Run(ctx context.Context, cfg Config) error {
	metrics := newMetrics(cfg.Registerer)
	announcer := newAnnouncer(cfg.Redis, metrics, cfg.Tables.Logger)
	cfg.Tables.Metrics, cfg.Tables.Announce = tables.NewMetrics(cfg.Registerer), announcer.queueChanges
	runners := make([]*runner, len(cfg.Projections))
	for i, p := range cfg.Projections {
		topics, err := topicsOf(p, cfg.Topics)
		if err != nil {
			return err
		}
		runners[i] = &runner{Config: cfg, projection: p, topics: topics, metrics: metrics, log: cfg.Tables.Logger.With("projection", p.Name())}
	}
	var group sync.WaitGroup
	for _, r := range runners {
		group.Go(func() { r.run(ctx) })
	}
	group.Go(func() { announcer.run(ctx) })
	group.Wait()
	return nil
}

// topicsOf returns the topics that the projection reads.
func topicsOf(p projection.Projection, names map[string]string) ([]string, error) {
	topics := make([]string, 0, len(names))
	for _, category := range p.Categories() {
		if names[category] == "" {
			return nil, fmt.Errorf("no topic is configured for %s", category)
		}
		topics = append(topics, names[category])
	}
	return topics, nil
}

// runner keeps one projection up to date.
type runner struct {
	Config

	projection projection.Projection
	topics     []string
	metrics    *metrics
	log        *slog.Logger
	replayed   bool // dead letters were tried again since the start
}

func (r *runner) run(ctx context.Context) {
	loop := supervise.New(supervise.Config{Name: "projection", Shortest: shortestRetry, Longest: longestRetry, Logger: r.log})
	loop.Run(ctx, func(ctx context.Context) error {
		return r.runSession(ctx, func() {
			if loop.Works() {
				r.log.Info("projection works again")
			}
		})
	})
}

// openTables returns a writer for the live tables. Tables that were filled from another incarnation of the log are filled again from this
// one first: they may hold what never happened.
func (r *runner) openTables(ctx context.Context) (*tables.Writer, error) {
	w, head, err := tables.Open(ctx, r.Tables, r.projection)
	if err != nil {
		return nil, err
	}
	if w.Incarnation != head.Incarnation {
		r.log.Warn("the log has a new incarnation: the tables are filled again", "old", w.Incarnation, "new", head.Incarnation)
		if _, err := rebuild.Repair(ctx, w); err != nil {
			return nil, err
		}
		if w, _, err = tables.Open(ctx, r.Tables, r.projection); err != nil {
			return nil, err
		}
	}
	if !r.replayed { // what an older build, or older tables, could not apply may be possible now
		if _, _, err := w.Replay(ctx); err != nil {
			return nil, err
		}
		r.replayed = true
	}
	return w, nil
}
