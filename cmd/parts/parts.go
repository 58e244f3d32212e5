// Package parts assembles the parts of the product: the api, the relay, the projectors and the saga. It is the one place that knows all
// constructors. Each part is a function that runs until its context ends, so that a binary can run one of them, and a laptop or a
// test all of them in one process.
package parts

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"
	"github.com/twmb/franz-go/pkg/kgo"

	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/config"
	"ticketing/internal/httpserver"
	"ticketing/internal/kafka"
	"ticketing/internal/postgres"
	internalredis "ticketing/internal/redis"
)

// Env is what all parts of a process share.
type Env struct {
	Config   config.Config
	Logger   *slog.Logger
	Registry *prometheus.Registry
	Clock    func() time.Time   // Decides when holds end and sales open; tests move it.
	Health   *httpserver.Health // What the parts of the process work with. Default: nothing is reported.
}

// registererOf returns where a part registers its metrics. The label keeps equal metrics of several parts in one process apart.
func (e Env) registererOf(part string) prometheus.Registerer {
	return prometheus.WrapRegistererWith(prometheus.Labels{"part": part}, e.Registry)
}

func (e Env) openEvents(ctx context.Context, part string) (*pgxpool.Pool, error) {
	return e.openPool(ctx, part, e.Config.EventsURL, "the events database")
}

func (e Env) openRead(ctx context.Context, part string) (*pgxpool.Pool, error) {
	return e.openPool(ctx, part, e.Config.ReadURL, "the projection database")
}

func (e Env) openAuth(ctx context.Context, part string) (*pgxpool.Pool, error) {
	return e.openPool(ctx, part, e.Config.AuthURL, "the auth database")
}

func (e Env) openPool(ctx context.Context, part, url, what string) (*pgxpool.Pool, error) {
	pool, err := postgres.NewPool(ctx, url, postgres.Config{
		ApplicationName: "ticketing " + part, MaxConnections: e.Config.MaxConnections, MinConnections: e.Config.MinConnections,
		ConnectTimeout: e.Config.ConnectTimeout, StatementTimeout: e.Config.StatementTimeout,
	})
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", what, err)
	}
	return pool, nil
}

func (e Env) openRedis(ctx context.Context, part string) (*redis.Client, error) {
	client, err := internalredis.New(ctx, e.Config.RedisURL, internalredis.Config{Name: "ticketing-" + part})
	if err != nil {
		return nil, fmt.Errorf("open redis: %w", err)
	}
	return client, nil
}

func (e Env) kafkaOptions(part string) []kgo.Opt {
	return kafka.Options(kafka.Config{Brokers: e.Config.Brokers, ClientID: "ticketing-" + part, Logger: e.Logger})
}

// topics returns the topic of each category of streams.
func (e Env) topics() map[string]string {
	return map[string]string{
		event.Category: e.Config.EventTopic, inventory.Category: e.Config.InventoryTopic,
		reservation.Category: e.Config.ReservationTopic, payment.Category: e.Config.PaymentTopic,
	}
}
