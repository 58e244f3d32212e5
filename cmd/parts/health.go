package parts

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/redis/go-redis/v9"

	"ticketing/command/relay/progress"
	"ticketing/internal/httpserver"
	"ticketing/internal/postgres"
	"ticketing/internal/skew"
	"ticketing/migrations"
	"ticketing/query"
)

// mostLag is how many records a projection may be behind before the api shows as degraded.
const mostLag = 1000

// apiChecks looks at what the api works with. Commands need the log, and queries the read tables. Without the rest
// something goes on: without Redis or users, public reads, webhooks and open subscriptions; broker, mail server and projections only make it late.
func (e Env) apiChecks(b *apiBackends) ([]httpserver.Check, error) {
	broker, err := e.openBroker("api")
	if err != nil {
		return nil, err
	}
	b.closers = append(b.closers, broker.close)
	checks, err := e.mailCheck("api")
	if err != nil {
		return nil, err
	}
	if b.cache != b.redis {
		checks = append(checks, httpserver.Check{Name: "api: redis cache", Probe: pingRedis(b.cache)})
	}
	return append(checks, []httpserver.Check{
		{Name: "api: events database", Critical: true, Probe: pingPool(b.events)},
		{Name: "api: read database", Critical: true, Probe: pingPool(b.read)},
		{Name: "api: auth database", Probe: pingPool(b.auth)},
		{Name: "api: redis", Probe: pingRedis(b.redis)},
		{Name: "api: broker", Probe: broker.probe},
		{Name: "api: projections", Probe: lagProbe(b.projections, nil)},
		{Name: "api: migrations", Critical: true, Probe: migrationsProbe(
			schema{"events", b.events, migrations.Events}, schema{"read", b.read, migrations.Read}, schema{"auth", b.auth, migrations.Auth})},
	}...), nil
}

// relayChecks looks at what the relay reads and writes, and shows how far it is.
func relayChecks(events *postgres.Pool, broker probe) []httpserver.Check {
	return []httpserver.Check{
		{Name: "relay: events database", Critical: true, Probe: func(ctx context.Context) (any, error) {
			lag, err := progress.ReadLag(ctx, events)
			if err != nil {
				return nil, fmt.Errorf("read the relay's progress: %w", err)
			}
			if err := checkWaiting(events); err != nil {
				return nil, err
			}
			return relayLag{Published: lag.Published, Unpublished: lag.Events, Seconds: lag.Age.Seconds()}, nil
		}},
		{Name: "relay: broker", Critical: true, Probe: broker},
		{Name: "relay: migrations", Critical: true, Probe: migrationsProbe(schema{"events", events, migrations.Events})},
	}
}

// relayLag is what is shown of the relay.
type relayLag struct {
	Published   int64   `json:"published"` // position
	Unpublished int64   `json:"unpublished"`
	Seconds     float64 `json:"seconds"`
}

// projectorChecks looks at what a projector of the named projections works with. Without Redis the rows are written all the same; only those who
// watch them learn of it later.
func (e Env) projectorChecks(events, read *postgres.Pool, client *redis.Client, broker probe, names []string) []httpserver.Check {
	return []httpserver.Check{
		{Name: "projector: events database", Critical: true, Probe: pingPool(events)},
		{Name: "projector: read database", Critical: true, Probe: pingPool(read)},
		{Name: "projector: broker", Critical: true, Probe: broker},
		{Name: "projector: redis", Probe: pingRedis(client)},
		{Name: "projector: projections", Probe: lagProbe(e.projections(read.Pool, events.Pool), names)},
		{Name: "projector: migrations", Critical: true, Probe: migrationsProbe(
			schema{"events", events, migrations.Events}, schema{"read", read, migrations.Read})},
	}
}

// sagaChecks looks at what the saga works with. Without users it can send no mail.
func sagaChecks(events, users *postgres.Pool) []httpserver.Check {
	return []httpserver.Check{
		{Name: "saga: events database", Critical: true, Probe: pingPool(events)},
		{Name: "saga: auth database", Probe: pingPool(users)},
		{Name: "saga: migrations", Critical: true, Probe: migrationsProbe(
			schema{"events", events, migrations.Events}, schema{"auth", users, migrations.Auth})},
	}
}

// clockChecks compares the process's clock with those of PostgreSQL and Redis until ctx ends. Nothing about sales depends on it, but certificates and
// the signatures of webhooks do. Only its own wrong clock makes an api unready: when PostgreSQL's is wrong, all would be at once.
func (e Env) clockChecks(ctx context.Context, part string, events *postgres.Pool, client *redis.Client) []httpserver.Check {
	cfg := skew.Config{Database: events, Clock: e.Clock, Logger: e.Logger, Registerer: e.registererOf(part)}
	if client != nil {
		cfg.Witness = func(ctx context.Context) (time.Time, error) { return client.Time(ctx).Result() }
	}
	w := skew.New(cfg)
	go w.Run(ctx)
	return []httpserver.Check{
		{Name: part + ": clock", Critical: true, Probe: newProbe(w.Check)},
		{Name: part + ": clocks of others", Probe: newProbe(w.CheckOthers)},
	}
}

// probe is a health check's function.
type probe = func(context.Context) (detail any, err error)

// watch adds health checks of this process. An Env without Health, as in tests, has none.
func (e Env) watch(checks ...httpserver.Check) {
	if e.Health != nil {
		e.Health.Add(checks...)
	}
}

// lagProbe shows how far each of the named projections is, or all when none is named, and fails when one of them is far behind.
func lagProbe(projections *query.Projections, names []string) probe {
	return func(ctx context.Context) (any, error) {
		statuses, err := projections.Status(ctx)
		if err != nil {
			return nil, err
		}
		var far []error
		lags := make(map[string]projectionLag, len(statuses))
		for _, s := range statuses {
			if len(names) > 0 && !slices.Contains(names, s.Name) {
				continue
			}
			if s.LagRecords >= mostLag {
				far = append(far, fmt.Errorf("projection %s is %d records behind", s.Name, s.LagRecords))
			}
			lags[s.Name] = newProjectionLag(s)
		}
		return lags, errors.Join(far...)
	}
}

// projectionLag is the lag of a projection as the health check shows it.
type projectionLag struct {
	Records     int64          `json:"records"`
	Seconds     float64        `json:"seconds"`
	Unpublished int64          `json:"unpublished"`
	DeadLetters int            `json:"deadLetters"`
	Partitions  []partitionLag `json:"partitions"`
}

type partitionLag struct {
	Topic     string  `json:"topic"`
	Partition int32   `json:"partition"`
	Records   int64   `json:"records"`
	Seconds   float64 `json:"seconds"`
}

func newProjectionLag(s query.ProjectionStatus) projectionLag {
	lag := projectionLag{
		Records: s.LagRecords, Seconds: s.LagSeconds, Unpublished: s.Unpublished, DeadLetters: s.DeadLetters,
		Partitions: make([]partitionLag, 0, len(s.Partitions)),
	}
	for _, p := range s.Partitions {
		lag.Partitions = append(lag.Partitions, partitionLag{Topic: p.Topic, Partition: p.Partition, Records: p.LagRecords, Seconds: p.LagSeconds})
	}
	return lag
}

// longestWait is how long a statement may wait for the server before this shows: most take milliseconds, and a connection that is silently
// gone is noticed only by its silence.
const longestWait = 4 * time.Second

func pingPool(pool *postgres.Pool) probe {
	return newProbe(func(ctx context.Context) error { return errors.Join(pool.Ping(ctx), checkWaiting(pool)) })
}

// checkWaiting returns an error if a statement waits for too long.
func checkWaiting(pool *postgres.Pool) error {
	if waiting := pool.Waiting(); waiting > longestWait {
		return fmt.Errorf("a statement has waited for %s", waiting.Round(time.Second))
	}
	return nil
}

func pingRedis(client *redis.Client) probe {
	return newProbe(func(ctx context.Context) error { return client.Ping(ctx).Err() })
}

// newProbe returns a probe without details.
func newProbe(do func(context.Context) error) probe {
	return func(ctx context.Context) (any, error) { return nil, do(ctx) }
}

// addHealth adds the routes of liveness and readiness.
func (e Env) addHealth(mux *http.ServeMux) {
	health := e.Health
	if health == nil {
		health = httpserver.NewHealth()
	}
	mux.Handle("GET /health/live", httpserver.Live())
	mux.Handle("GET /health/ready", health.Ready())
}
