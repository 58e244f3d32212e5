package parts

import (
	"context"
	"fmt"
	"net/url"
	"slices"

	"golang.org/x/sync/errgroup"

	"ticketing/command/catalog"
	"ticketing/command/gateway/paypal"
	"ticketing/command/gateway/stripe"
	"ticketing/command/relay"
	"ticketing/command/saga"
	"ticketing/command/webhook"
	"ticketing/internal/auth"
	"ticketing/internal/cloudevents"
	"ticketing/projector"
	"ticketing/query"
)

// partitions is how many a topic has that the relay creates: the most projectors of one projection that can share its work.
const partitions = 6

// recordKeys returns the keys with which the relay signs records.
func (e Env) recordKeys() (cloudevents.Keys, error) {
	keys, err := cloudevents.ParseKeys(e.Config.RecordKeys)
	if err != nil {
		return keys, fmt.Errorf("RECORD_KEYS: %w", err)
	}
	return keys, nil
}

// Relay publishes the log until ctx ends.
func Relay(ctx context.Context, e Env) error {
	e.showPart("relay")
	keys, err := e.recordKeys()
	if err != nil {
		return err
	}
	events, err := e.openEvents(ctx, "relay", relayEvents)
	if err != nil {
		return err
	}
	defer events.Close()
	broker, err := e.openBroker("relay")
	if err != nil {
		return err
	}
	defer broker.close()
	e.watch(append(relayChecks(events, broker.probe), e.clockChecks(ctx, "relay", events, nil)...)...)
	return relay.Run(ctx, relay.Config{
		Pool: events.Pool, Kafka: broker.options, Topics: e.topics(), Partitions: partitions, Keys: keys,
		Logger: e.Logger, Registerer: e.registererOf("relay"),
	})
}

// Projector keeps the named projections up to date until ctx ends; all of them when none is named.
func Projector(ctx context.Context, e Env, projections ...string) error {
	e.showPart("projector")
	keys, err := e.recordKeys()
	if err != nil {
		return err
	}
	events, err := e.openEvents(ctx, "projector", projectorEvents)
	if err != nil {
		return err
	}
	defer events.Close()
	read, err := e.openRead(ctx, "projector", projectorRead*countProjections(projections))
	if err != nil {
		return err
	}
	defer read.Close()
	client, err := e.openRedis(ctx, "projector")
	if err != nil {
		return err
	}
	defer client.Close()
	broker, err := e.openBroker("projector")
	if err != nil {
		return err
	}
	defer broker.close()
	e.watch(append(e.projectorChecks(events, read, client, broker.probe, projections), e.clockChecks(ctx, "projector", events, client)...)...)
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		watchLag(ctx, e.projections(read.Pool, events.Pool), projections, e.registererOf("projector"))
		return nil
	})
	g.Go(func() error {
		watchTotals(ctx, query.NewTotals(read.Pool), projections, e.registererOf("projector"))
		return nil
	})
	g.Go(func() error {
		return projector.Run(ctx, projector.Config{
			Projections: projections, Events: events.Pool, Read: read.Pool, Redis: client, Kafka: broker.options, Group: e.Config.ConsumerGroup,
			Topics: e.topics(), Keys: keys, Registry: catalog.Registry(), Logger: e.Logger, Registerer: e.registererOf("projector"),
		})
	})
	return g.Wait()
}

// countProjections returns how many projections are named; no name means all.
func countProjections(names []string) int {
	if len(names) == 0 {
		return len(projector.Names())
	}
	return len(names)
}

// Saga does what falls due until ctx ends; it stops deciding last.
func Saga(ctx context.Context, e Env) error {
	e.showPart("saga")
	events, err := e.openEvents(ctx, "saga", sagaEvents)
	if err != nil {
		return err
	}
	defer events.Close()
	users, err := e.openAuth(ctx, "saga", sagaAuth)
	if err != nil {
		return err
	}
	defer users.Close()
	mailer, err := e.mailer()
	if err != nil {
		return err
	}
	write, err := e.writeSide(ctx, "saga", events.Pool, users.Pool, nil)
	if err != nil {
		return err
	}
	keys, err := TicketKeys(e.Config)
	if err != nil {
		return err
	}
	webhooks, err := webhook.NewHandler(webhook.HandlerConfig{
		Pool: events.Pool, Service: write.service, Sources: e.webhooks(), Registerer: e.registererOf("saga"),
	})
	if err != nil {
		return fmt.Errorf("set up webhooks: %w", err)
	}
	mails, err := e.mailCheck("saga")
	if err != nil {
		return err
	}
	e.watch(slices.Concat(sagaChecks(events, users), mails, e.clockChecks(ctx, "saga", events, nil))...)
	deciding, stopDeciding := context.WithCancel(context.WithoutCancel(ctx))
	defer stopDeciding()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return write.engine.Run(deciding) })
	g.Go(func() error {
		defer stopDeciding()
		return saga.Run(ctx, saga.Config{
			Pool: events.Pool, Registry: catalog.Registry(), Service: write.service, Webhooks: webhooks, PaymentTimeout: e.Config.PaymentTimeout,
			Mailer: mailer, OrderLink: e.orderLink(keys), SignTicket: keys.SignFirst, Address: func(ctx context.Context, userID string) (string, error) { return auth.Address(ctx, users.Pool, userID) },
			DisputePage: disputePage, Texts: auth.NewTexts(users.Pool).ReadTexts,
			Logger: e.Logger, Registerer: e.registererOf("saga"),
		})
	})
	return g.Wait()
}

// disputePage returns where an organizer finds a disputed payment at its gateway.
func disputePage(gateway, transactionID string) string {
	switch gateway {
	case stripe.Name:
		return "https://dashboard.stripe.com/payments/" + url.PathEscape(transactionID)
	case paypal.Name:
		return "https://www.paypal.com/resolutioncenter"
	}
	return ""
}
