package parts

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/httpserver"
	"ticketing/query"
)

// mostLag is how many records a projection may be behind before the api shows as degraded.
const mostLag = 1000

// apiChecks returns checks of what the api depends on. Without broker and projections it is only degraded.
func (e Env) apiChecks(b *apiBackends) ([]httpserver.Check, error) {
	broker, err := kgo.NewClient(e.kafkaOptions("api")...)
	if err != nil {
		return nil, fmt.Errorf("open the broker: %w", err)
	}
	b.closers = append(b.closers, broker.Close)
	return []httpserver.Check{
		{Name: "postgresql:events", Critical: true, Probe: pingPool(b.events)},
		{Name: "postgresql:projections", Critical: true, Probe: pingPool(b.read)},
		{Name: "postgresql:auth", Critical: true, Probe: pingPool(b.auth)},
		{Name: "redis", Critical: true, Probe: newProbe(func(ctx context.Context) error { return b.redis.Ping(ctx).Err() })},
		{Name: "redpanda", Probe: newProbe(broker.Ping)},
		{Name: "projection lag", Probe: lagProbe(b.projections)},
	}, nil
}

// lagProbe shows how far behind each projection is, and fails if one is far behind.
func lagProbe(projections *query.Projections) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) {
		statuses, err := projections.Status(ctx)
		if err != nil {
			return nil, err
		}
		var far []error
		lags := make(map[string]projectionLag, len(statuses))
		for _, s := range statuses {
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

func pingPool(pool *pgxpool.Pool) func(context.Context) (any, error) { return newProbe(pool.Ping) }

// newProbe returns a probe without details.
func newProbe(probe func(context.Context) error) func(context.Context) (any, error) {
	return func(ctx context.Context) (any, error) { return nil, probe(ctx) }
}

// addHealth adds the health routes. detailed ones show errors, which name hosts: they are for operators.
func addHealth(mux *http.ServeMux, checks []httpserver.Check, detailed bool) {
	mux.Handle("GET /health/live", httpserver.Live())
	mux.Handle("GET /health/ready", httpserver.Ready(checks, detailed))
	mux.Handle("GET /health", httpserver.Ready(checks, detailed))
}
