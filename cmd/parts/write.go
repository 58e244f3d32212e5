package parts

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/redis/go-redis/v9"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/engine"
	"ticketing/command/gateway"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/gateway/stripe"
	"ticketing/command/webhook"
	"ticketing/internal/auth"
	"ticketing/internal/memory"
)

// writeSide is the use cases and the engine that decides them; the engine is its user's to run.
type writeSide struct {
	engine  *engine.Engine
	service *command.Service
}

// writeSide assembles engine and service over the events database. outcomes caches the outcomes of idempotency keys; nil where no keys are sent.
// What is written about people is kept in the auth database, users.
func (e Env) writeSide(_ context.Context, part string, events, users *pgxpool.Pool, outcomes *redis.Client) (writeSide, error) {
	gateways := e.gateways(events)
	router, err := gateway.NewRouter(gateway.Config{
		Gateways: gateways, Enabled: e.Config.PaymentGateways, Timeout: e.Config.PaymentTimeout,
		Logger: e.Logger, Registerer: e.registererOf(part),
	})
	if err != nil {
		return writeSide{}, fmt.Errorf("set up payment gateways: %w", err)
	}
	metrics := command.NewMetrics(e.registererOf(part), gatewayNames(gateways)...)
	decider := engine.New(engine.Config{
		Pool: events, Registry: catalog.Registry(), Aggregates: command.Aggregates(), Outcomes: outcomes, Committed: metrics.CountCommitted,
		CacheBytes: streamCache(e.Config.StreamCacheMiB, memory.Available()),
		Logger:     e.Logger, Registerer: e.registererOf(part),
	})
	return writeSide{
		engine: decider,
		service: command.New(command.Config{
			Engine: decider, Gateways: router, Hold: e.Config.ReservationHold, Unpaid: e.Config.MaxUnpaidReservations,
			Texts: auth.NewTexts(users), Metrics: metrics, Logger: e.Logger,
		}),
	}, nil
}

// streamCache returns how many bytes of memory an engine's streams may take: what the operator says, or else a part of what there is. A process may have
// two engines, and what is kept is collected as garbage later, so that it takes twice as much for a while.
func streamCache(mebibytes int, available int64) int {
	const part, least, most = 8, 32, 512
	if mebibytes == 0 {
		mebibytes = int(max(least, min(most, available>>20/part)))
	}
	return mebibytes << 20
}

// gateways returns all configured gateways, enabled or not: a disabled one still finishes the payments that it has.
func (e Env) gateways(events *pgxpool.Pool) []gateway.Gateway {
	gateways := []gateway.Gateway{sandbox.New(events)}
	if e.Config.StripeAPIKey != "" {
		gateways = append(gateways, e.stripe())
	}
	if e.Config.PayPalClientID != "" {
		gateways = append(gateways, e.paypal())
	}
	return gateways
}

func gatewayNames(gateways []gateway.Gateway) []string {
	names := make([]string, len(gateways))
	for i, g := range gateways {
		names[i] = g.Name()
	}
	return names
}

// webhooks returns the gateways that send webhooks.
func (e Env) webhooks() (sources []webhook.Source) {
	if e.Config.StripeAPIKey != "" {
		sources = append(sources, e.stripe())
	}
	if e.Config.PayPalClientID != "" {
		sources = append(sources, e.paypal())
	}
	return sources
}

func (e Env) stripe() *stripe.Gateway {
	return stripe.New(stripe.Config{
		APIKey: e.Config.StripeAPIKey, WebhookSecrets: e.Config.StripeWebhookSecrets, APIBase: e.Config.StripeAPIBase,
	})
}

func (e Env) paypal() *paypal.Gateway {
	return paypal.New(paypal.Config{
		ClientID: e.Config.PayPalClientID, ClientSecret: e.Config.PayPalClientSecret, APIBase: e.Config.PayPalAPIBase,
		WebhookID: e.Config.PayPalWebhookID,
	})
}
