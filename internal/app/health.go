package app

import (
	"context"
	"fmt"
	"net/http"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/internal/httpserver"
	"ticketing/projector"
)

// mostLag is how many records a projection may be behind before the api shows as degraded.
const mostLag = 1000

// apiChecks looks at what the api depends on. Broker and projections only degrade it: the api serves without them.
func (e Env) apiChecks(b *apiBackends) ([]httpserver.Check, error) {
	broker, err := kgo.NewClient(e.kafka("api")...)
	if err != nil {
		return nil, fmt.Errorf("open the broker: %w", err)
	}
	b.closers = append(b.closers, broker.Close)
	return []httpserver.Check{
		{Name: "postgresql:events", Critical: true, Probe: pingPool(b.events)},
		{Name: "postgresql:projections", Critical: true, Probe: pingPool(b.read)},
		{Name: "postgresql:auth", Critical: true, Probe: pingPool(b.auth)},
		{Name: "redis", Critical: true, Probe: func(ctx context.Context) error { return b.redis.Ping(ctx).Err() }},
		{Name: "redpanda", Probe: broker.Ping},
		{Name: "projection lag", Probe: e.lagProbe(b.events, b.read)},
	}, nil
}

func (e Env) lagProbe(events, read *pgxpool.Pool) func(context.Context) error {
	return func(ctx context.Context) error {
		lag, err := projector.Lag(ctx, events, read, e.topics())
		if err != nil {
			return err
		}
		for name, records := range lag {
			if records >= mostLag {
				return fmt.Errorf("projection %s is %d records behind", name, records)
			}
		}
		return nil
	}
}

func pingPool(pool *pgxpool.Pool) func(context.Context) error {
	return func(ctx context.Context) error { return pool.Ping(ctx) }
}

// addHealth adds the health routes. detailed is for operators: errors name hosts.
func addHealth(mux *http.ServeMux, checks []httpserver.Check, detailed bool) {
	mux.Handle("GET /health/live", httpserver.Live())
	mux.Handle("GET /health/ready", httpserver.Ready(checks, detailed))
	mux.Handle("GET /health", httpserver.Ready(checks, detailed))
}
