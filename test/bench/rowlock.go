package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command"
	"ticketing/command/catalog"
	"ticketing/command/eventstore"
	"ticketing/command/inventory"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/postgres"
)

// rowLock is the baseline: the usual design without an engine. Each reservation is a transaction that locks its section's row, checks
// whether there is enough, and then changes the section and inserts the reservation and the same two domain events as JSON: as many rows
// as the engine inserts for a command (two domain events and an idempotency key), and one update.
//
// Where there is a choice it favours the baseline: it has no idempotency keys, its log takes positions from a sequence, which is
// not in commit order, all writes after the lock go in one round trip, and its pool has the best of several sizes.
type rowLock struct {
	pool     *pgxpool.Pool
	registry *eventstore.Registry
	url      string
}

const rowLockTables = `
	CREATE TABLE rowlock_sections (
		event_id text, name text, price bigint NOT NULL, currency text NOT NULL, capacity int NOT NULL, reserved int NOT NULL DEFAULT 0,
		version bigint NOT NULL DEFAULT 1, PRIMARY KEY (event_id, name)
	) WITH (fillfactor = 50);
	CREATE TABLE rowlock_reservations (
		id text PRIMARY KEY, event_id text NOT NULL, customer_id text NOT NULL, section text NOT NULL, quantity int NOT NULL,
		total bigint NOT NULL, currency text NOT NULL, status text NOT NULL, created_at timestamptz NOT NULL, expires_at timestamptz NOT NULL
	);
	CREATE TABLE rowlock_events (
		position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, stream_id text NOT NULL, version bigint NOT NULL, type text NOT NULL,
		schema_version smallint NOT NULL, data json NOT NULL, metadata json NOT NULL, recorded_at timestamptz NOT NULL,
		UNIQUE (stream_id, version)
	)`

func openRowLock(ctx context.Context, url string, connections int) (*rowLock, error) {
	pool, err := postgres.NewPool(ctx, url, postgres.Config{MaxConnections: connections, MinConnections: connections})
	if err != nil {
		return nil, err
	}
	return &rowLock{pool: pool, registry: catalog.Registry(), url: url}, nil
}

func (l *rowLock) createTables(ctx context.Context) error {
	if _, err := l.pool.Exec(ctx, rowLockTables); err != nil {
		return fmt.Errorf("create the baseline's tables: %w", err)
	}
	return nil
}

// createEvents puts n events on sale.
func (l *rowLock) createEvents(ctx context.Context, n int) ([]string, error) {
	ids := make([]string, n)
	for i := range ids {
		ids[i] = id.New(id.Event)
	}
	_, err := l.pool.Exec(ctx, `INSERT INTO rowlock_sections (event_id, name, price, currency, capacity) SELECT unnest($1::text[]), $2, $3, $4, $5`,
		ids, sectionName, 7_900, "EUR", inventory.MostCapacity)
	if err != nil {
		return nil, fmt.Errorf("stage the baseline's events: %w", err)
	}
	return ids, nil
}

// reserveWork reserves two tickets of a random event.
func (l *rowLock) reserveWork(events ...string) work {
	all := newCallers()
	return func(ctx context.Context, client, n int) error {
		by := all.newCaller(client, n)
		eventID := events[rand.IntN(len(events))] //nolint:gosec // no secret
		err := pgx.BeginFunc(ctx, l.pool, func(tx pgx.Tx) error { return l.reserveIn(ctx, tx, by, eventID) })
		if err != nil {
			return fmt.Errorf("reserve with a row lock: %w", err)
		}
		return nil
	}
}

func (l *rowLock) reserveIn(ctx context.Context, tx pgx.Tx, by command.Caller, eventID string) error {
	var price money.Money
	var left int
	var version int64
	err := tx.QueryRow(ctx, `SELECT price, currency, capacity - reserved, version + 1 FROM rowlock_sections
		WHERE event_id = $1 AND name = $2 FOR UPDATE`, eventID, sectionName).Scan(&price.Minor, &price.Currency, &left, &version)
	if err != nil {
		return fmt.Errorf("lock the section: %w", err)
	}
	if left < perCommand {
		return fmt.Errorf("only %d left", left)
	}
	writes, err := l.insertBatch(by, eventID, version, price)
	if err != nil {
		return err
	}
	return tx.SendBatch(ctx, writes).Close()
}

func (l *rowLock) insertBatch(by command.Caller, eventID string, version int64, price money.Money) (*pgx.Batch, error) {
	now := time.Now().UTC().Truncate(time.Microsecond)
	reservationID, total := id.New(id.Reservation), money.Money{Minor: price.Minor * perCommand, Currency: price.Currency}
	metadata, err := json.Marshal(eventstore.Metadata{
		CorrelationID: by.Trace.CorrelationID, CausationID: by.Trace.CorrelationID, Actor: by.Principal.ID(), Traceparent: by.Trace.Traceparent, Incarnation: l.url[:36],
	})
	if err != nil {
		return nil, fmt.Errorf("encode metadata: %w", err)
	}
	b := &pgx.Batch{}
	b.Queue(`UPDATE rowlock_sections SET reserved = reserved + $3, version = $4 WHERE event_id = $1 AND name = $2`,
		eventID, sectionName, perCommand, version)
	b.Queue(`INSERT INTO rowlock_reservations VALUES ($1, $2, $3, $4, $5, $6, $7, 'SEATS_RESERVED', $8, $9)`,
		reservationID, eventID, by.Principal.ID(), sectionName, perCommand, total.Minor, total.Currency, now, now.Add(hold))
	seats := []reservation.Seat{{Section: sectionName, Price: price}, {Section: sectionName, Price: price}}
	for streamID, domainEvent := range map[string]any{
		inventory.Stream(eventID): inventory.SeatsReserved{
			ReservationID: reservationID, CustomerID: by.Principal.ID(), Items: []inventory.Item{{Section: sectionName, Quantity: perCommand}},
		},
		reservation.Stream(reservationID): reservation.ReservationInitiated{
			EventID: eventID, CustomerID: by.Principal.ID(), Seats: seats, Total: total, PaymentAttempts: 1, CreatedAt: now, ExpiresAt: now.Add(hold),
		},
	} {
		name, schemaVersion, data, err := l.registry.Encode(domainEvent)
		if err != nil {
			return nil, err
		}
		streamVersion := int64(1)
		if streamID == inventory.Stream(eventID) {
			streamVersion = version
		}
		b.Queue(`INSERT INTO rowlock_events (stream_id, version, type, schema_version, data, metadata, recorded_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			streamID, streamVersion, name, schemaVersion, data, metadata, now)
	}
	return b, nil
}

// bestPool tries several pool sizes and returns the baseline with the fastest one.
func bestPool(ctx context.Context, b *bench, url string, events int) (best *rowLock, err error) {
	first, err := openRowLock(ctx, url, 1)
	if err != nil {
		return nil, err
	}
	defer first.pool.Close()
	if err := first.createTables(ctx); err != nil {
		return nil, err
	}
	ids, err := first.createEvents(ctx, events)
	if err != nil {
		return nil, err
	}
	size, most := 0, 0.0
	for _, connections := range []int{4, 16, 64} {
		l, err := openRowLock(ctx, url, connections)
		if err != nil {
			return nil, err
		}
		m, err := closedLoop(ctx, clients, b.round/2, l.reserveWork(ids...))
		l.pool.Close()
		if err != nil {
			return nil, err
		}
		b.printf("  baseline, pool of %2d        %s", connections, m)
		if m.perSecond() > most {
			size, most = connections, m.perSecond()
		}
	}
	return openRowLock(ctx, url, size)
}
