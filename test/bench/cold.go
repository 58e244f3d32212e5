package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/internal/id"
	"ticketing/migrations"
)

// coldEvents is the length of the stream to load.
const coldEvents = 1_000_000

// benchCold measures how long the first command waits in a process that has nothing in memory, on an inventory stream of 1,000,000
// domain events: half a million reservations of two tickets, two thirds of them paid, the others released. First without a snapshot, then
// with the one that this first process writes.
func benchCold(ctx context.Context, b *bench) (err error) {
	url, drop, err := b.servers.createDatabase(ctx, "cold", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	eventID, err := m.createEvent(ctx, newFloor())
	if err != nil {
		return errors.Join(err, m.close())
	}
	began := time.Now()
	err = fillLog(ctx, m.pool, &saleEvents{eventID: eventID, customers: newCallers().names}, coldEvents)
	if err := errors.Join(err, m.close()); err != nil {
		return err
	}
	b.printf("  filled the log in %.1f s", time.Since(began).Seconds())
	return b.coldStarts(ctx, url, eventID)
}

// coldStarts prints how long a first command takes in a fresh process, without a snapshot and with one.
func (b *bench) coldStarts(ctx context.Context, url, eventID string) error {
	without, err := b.firstCommand(ctx, url, eventID, "cold", func(m *market) error {
		began := time.Now()
		size, err := awaitSnapshot(ctx, m.pool, eventID)
		b.printf("  the snapshot has %.1f MB and was there %.1f s later", float64(size)/1e6, time.Since(began).Seconds())
		return err
	})
	if err != nil {
		return err
	}
	b.printFigure("cold_start_without_snapshot_s", without.Seconds())
	with, err := b.firstCommand(ctx, url, eventID, "cold-snapshot", func(*market) error { return nil })
	if err != nil {
		return err
	}
	b.printFigure("cold_start_with_snapshot_s", with.Seconds())
	return nil
}

func (b *bench) firstCommand(ctx context.Context, url, eventID, profile string, then func(*market) error) (took time.Duration, err error) {
	m, err := openMarket(ctx, url)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, m.close()) }()
	before := cpuSoFar()
	_, err = b.withProfile(profile, 0, func() (measured, error) {
		began := time.Now()
		err := m.reserveWork(eventID)(ctx, 0, 0)
		took = time.Since(began)
		return measured{}, err
	})
	if err != nil {
		return 0, err
	}
	b.printf("  %-26s %s", "first command", cpuSoFar().perCommand(before, 1))
	return took, then(m)
}

func awaitSnapshot(ctx context.Context, pool *pgxpool.Pool, eventID string) (size int, err error) {
	for {
		err := pool.QueryRow(ctx, `SELECT length(data) FROM snapshots WHERE stream_id = $1`, inventory.Stream(eventID)).Scan(&size)
		if err == nil || !errors.Is(err, pgx.ErrNoRows) {
			return size, err
		}
		select {
		case <-ctx.Done():
			return 0, fmt.Errorf("wait for the snapshot: %w", ctx.Err())
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// saleEvents generates the inventory's domain events of a sale: a reservation ends when three others have begun.
type saleEvents struct {
	eventID   string
	customers []string
	made      int
	open      []inventory.SeatsReserved
}

func (s *saleEvents) nextEvent() inventory.DomainEvent {
	s.made++
	if len(s.open) > 3 && s.made%2 == 0 {
		r := s.open[0]
		s.open = s.open[1:]
		if s.made%3 == 0 {
			return inventory.SeatsReleased{ReservationID: r.ReservationID, CustomerID: r.CustomerID, Items: r.Items}
		}
		return inventory.SeatsConfirmed(r)
	}
	r := inventory.SeatsReserved{
		ReservationID: id.New(id.Reservation), CustomerID: s.customers[s.made%len(s.customers)],
		Items: []inventory.Item{{Section: sectionName, Quantity: perCommand}},
	}
	s.open = append(s.open, r)
	return r
}

// fillLog appends n domain events to the inventory's stream by COPY: without decisions, no engine is needed.
func fillLog(ctx context.Context, pool *pgxpool.Pool, s *saleEvents, n int) error {
	head, err := eventstore.ReadHead(ctx, pool)
	if err != nil {
		return err
	}
	registry, now := catalog.Registry(), time.Now().UTC()
	stream := inventory.Stream(s.eventID)
	metadata, err := json.Marshal(eventstore.Metadata{
		CorrelationID: "bench", CausationID: "bench", Actor: "system:bench", Traceparent: traceparent, Incarnation: head.Incarnation,
	})
	if err != nil {
		return fmt.Errorf("encode metadata: %w", err)
	}
	columns := []string{"shard", "position", "stream_id", "version", "type", "schema_version", "data", "metadata", "recorded_at"}
	version := int64(1) // of InventoryAdded
	_, err = pool.CopyFrom(ctx, pgx.Identifier{"domain_events"}, columns, pgx.CopyFromFunc(func() ([]any, error) {
		if version > int64(n) {
			return nil, nil
		}
		version++
		head.Position++
		name, schemaVersion, data, err := registry.Encode(s.nextEvent())
		return []any{eventstore.Shard, head.Position, stream, version, name, schemaVersion, data, metadata, now}, err
	}))
	if err != nil {
		return fmt.Errorf("fill the log: %w", err)
	}
	if _, err := pool.Exec(ctx, `ANALYZE domain_events`); err != nil {
		return fmt.Errorf("analyze the log: %w", err)
	}
	return nil
}
