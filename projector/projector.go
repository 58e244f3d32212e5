// Package projector turns the published log into the read tables.
//
// Delivery may repeat, start over or be repartitioned; offsets are never relied on for being right. A row has its stream's version and
// takes only the next one; what is missing in between is read from the log. A batch of records is folded in memory and written in one
// transaction together with its checkpoint, so that tables and checkpoint always agree. A record that can't be applied for a reason of
// its own goes to the dead letters, and its stream waits behind it; everything else is tried again for ever.
//
// Each projection has a package of its own below this one. Package projection says what a projection is; tables writes batches, runner
// follows the broker, rebuild fills tables anew, verify compares them with the log.
package projector

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/eventstore"
	"ticketing/internal/cloudevents"
	"ticketing/projector/availability"
	"ticketing/projector/customers"
	"ticketing/projector/events"
	"ticketing/projector/payments"
	"ticketing/projector/projection"
	"ticketing/projector/rebuild"
	"ticketing/projector/reservations"
	"ticketing/projector/runner"
	"ticketing/projector/sales"
	"ticketing/projector/tables"
)

// Config is what projectors need.
type Config struct {
	Events   *pgxpool.Pool        // The events database, which holds the log. Required.
	Read     *pgxpool.Pool        // The database of the read tables. Required.
	Registry *eventstore.Registry // Required.
	Logger   *slog.Logger         // Default: slog.Default().

	// The others are for Run.

	Projections []string              // Names of projections. Default: all.
	Redis       redis.UniversalClient // Where changes are announced. Default: they are not announced.
	Kafka       []kgo.Opt             // How to reach the broker: seed brokers, TLS, SASL. Required.
	Group       string                // Each projection has the consumer group "<group>-<projection>". Required.
	Topics      map[string]string     // Names of topics by category of streams. Required.
	Keys        cloudevents.Keys      // Records that none of them has signed are put aside. Default: all are taken for the relay's.
	Registerer  prometheus.Registerer // Default: metrics are not registered.

	Progress func(rebuild.Progress) // Is called while Rebuild goes on. Default: progress is not reported.
}

func (c Config) tables() tables.Config {
	return tables.Config{Events: c.Events, Read: c.Read, Registry: c.Registry, Logger: c.Logger}
}

var projections = byName(
	events.Projection{}, availability.Projection{}, reservations.Projection{}, payments.Projection{}, sales.Projection{}, customers.Projection{},
)

func byName(all ...projection.Projection) map[string]projection.Projection {
	named := make(map[string]projection.Projection, len(all))
	for _, p := range all {
		named[p.Name()] = p
	}
	return named
}

// Names returns the names of all projections, sorted.
func Names() []string { return slices.Sorted(maps.Keys(projections)) }

// Categories returns the categories of streams that each projection follows, by the projection's name.
func Categories() map[string][]string {
	categories := make(map[string][]string, len(projections))
	for name, p := range projections {
		categories[name] = p.Categories()
	}
	return categories
}

func findProjection(name string) (projection.Projection, error) {
	p, ok := projections[name]
	if !ok {
		return nil, fmt.Errorf("there is no projection %q, only %s", name, strings.Join(Names(), ", "))
	}
	return p, nil
}

// Run keeps the projections up to date until ctx ends, through all faults of databases and broker. It returns an error only if a
// projection does not exist or a topic is not configured.
func Run(ctx context.Context, cfg Config) error {
	names := cfg.Projections
	if len(names) == 0 {
		names = Names()
	}
	chosen := make([]projection.Projection, len(names))
	for i, name := range names {
		var err error
		if chosen[i], err = findProjection(name); err != nil {
			return err
		}
	}
	return runner.Run(ctx, runner.Config{
		Projections: chosen, Tables: cfg.tables(), Redis: cfg.Redis, Kafka: cfg.Kafka, Group: cfg.Group, Topics: cfg.Topics,
		Keys: cfg.Keys, Registerer: cfg.Registerer,
	})
}

// Rebuild fills a new generation of a projection's tables straight from the log, beside the live ones, and switches to it.
func Rebuild(ctx context.Context, cfg Config, name string) error {
	p, err := findProjection(name)
	if err != nil {
		return err
	}
	return rebuild.Run(ctx, cfg.tables(), p, cfg.Progress)
}

// DeadLetters returns the dead letters of a projection, oldest first.
func DeadLetters(ctx context.Context, cfg Config, name string) ([]tables.DeadLetter, error) {
	if _, err := findProjection(name); err != nil {
		return nil, err
	}
	return tables.DeadLetters(ctx, cfg.Read, name)
}

// Replay tries the dead letters of a projection again, with everything that waits behind them: all of them, or those of the named
// streams. It returns how many streams continue now and how many still wait.
func Replay(ctx context.Context, cfg Config, name string, streams ...string) (replayed, left int, err error) {
	p, err := findProjection(name)
	if err != nil {
		return 0, 0, err
	}
	w, _, err := tables.Open(ctx, cfg.tables(), p)
	if err != nil {
		return 0, 0, err
	}
	return w.Replay(ctx, streams...)
}
