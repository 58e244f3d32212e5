package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/relay"
	"ticketing/command/reservation"
	"ticketing/internal/postgres"
	"ticketing/internal/services"
	"ticketing/migrations"
	"ticketing/projector"
)

// topics are named as in production.
var topics = map[string]string{
	event.Category: "ticketing-events", inventory.Category: "ticketing-inventory-events",
	reservation.Category: "ticketing-reservation-events", payment.Category: "ticketing-payment-events",
}

// partitions is the number of a topic's partitions, as in production.
const partitions = 6

// readSide is a log, read tables, and a broker between them. Relay, projectors and the broker run in this process, on the
// same two cores.
type readSide struct {
	eventsURL    string
	events, read *pgxpool.Pool
	broker       *services.Broker
	cfg          projector.Config
	drops        []func()
}

// openReadSide creates new databases, and a broker if wanted.
func (b *bench) openReadSide(ctx context.Context, name string, broker bool) (s *readSide, err error) {
	s = &readSide{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	var readURL string
	var drop func()
	if s.eventsURL, drop, err = b.servers.createDatabase(ctx, name, migrations.Events); err != nil {
		return s, err
	}
	s.drops = append(s.drops, drop)
	if readURL, drop, err = b.servers.createDatabase(ctx, name+"_read", migrations.Read); err != nil {
		return s, err
	}
	s.drops = append(s.drops, drop)
	options := postgres.Config{MaxConnections: 8, StatementTimeout: 10 * time.Minute}
	if s.events, err = postgres.NewPool(ctx, s.eventsURL, options); err != nil {
		return s, err
	}
	if s.read, err = postgres.NewPool(ctx, readURL, options); err != nil {
		return s, err
	}
	s.cfg = projector.Config{Events: s.events, Read: s.read, Topics: topics, Registry: catalog.Registry(), Group: "bench", Logger: newLogger()}
	if broker {
		s.broker, err = services.StartBroker(services.BrokerConfig{DataDir: filepath.Join(b.servers.folder, name+"-broker"), Logger: newLogger()})
		if err != nil {
			return s, err
		}
		s.cfg.Kafka = kafkaOptions(s.broker.Addrs())
	}
	return s, nil
}

func (s *readSide) close() (err error) {
	for _, pool := range []*pgxpool.Pool{s.events, s.read} {
		if pool != nil {
			pool.Close()
		}
	}
	if s.broker != nil {
		err = s.broker.Stop()
	}
	for _, drop := range s.drops {
		drop()
	}
	return err
}

// startRelay publishes the log until it is stopped.
func (s *readSide) startRelay(ctx context.Context) (stop func() error) {
	return runInBackground(ctx, func(ctx context.Context) error {
		return relay.Run(ctx, relay.Config{Pool: s.events, Kafka: s.cfg.Kafka, Topics: topics, Partitions: partitions, Logger: newLogger()})
	})
}

// startProjector updates projections until it is stopped, as a new consumer group.
func (s *readSide) startProjector(ctx context.Context, group string, names ...string) (stop func() error) {
	cfg := s.cfg
	cfg.Group, cfg.Projections = group, names
	return runInBackground(ctx, func(ctx context.Context) error { return projector.Run(ctx, cfg) })
}

// runInBackground runs a function until it is stopped.
func runInBackground(ctx context.Context, run func(context.Context) error) (stop func() error) {
	ctx, cancel := context.WithCancel(ctx)
	var running sync.WaitGroup
	var err error
	running.Go(func() { err = run(ctx) })
	return func() error {
		cancel()
		running.Wait()
		return err
	}
}

// awaitCondition waits until a condition is true, and checks it at intervals.
func awaitCondition(ctx context.Context, what string, every time.Duration, so func() (bool, error)) error {
	for {
		if yes, err := so(); yes || err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", what, ctx.Err())
		case <-time.After(every):
		}
	}
}
