package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"ticketing/command/inventory"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/migrations"
)

// A stadium in one section, so that best-available has the most to choose from.
const (
	hallRows   = 2_000
	seatsInRow = 50
	hallSeats  = hallRows * seatsInRow
)

func newHall() inventory.Add {
	rows := make([]inventory.Row, hallRows)
	for i := range rows {
		rows[i] = inventory.Row{Name: "R" + strconv.Itoa(i+1), Seats: seatsInRow}
	}
	return inventory.Add{Section: sectionName, Price: money.Money{Minor: 7_900, Currency: "EUR"}, Rows: rows}
}

// benchSeats measures an event with 100,000 numbered seats: the decision alone while the hall fills, the snapshot of the full hall, the engine
// with one client and with 500, and a cold start.
func benchSeats(ctx context.Context, b *bench) (err error) {
	if err := b.benchDecisions(); err != nil {
		return err
	}
	url, drop, err := b.servers.createDatabase(ctx, "seats", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	eventID, err := m.createEvent(ctx, newHall())
	if err == nil {
		err = b.sellHall(ctx, m, eventID)
	}
	if err := errors.Join(err, m.close()); err != nil {
		return err
	}
	return b.coldStarts(ctx, url, eventID)
}

// sellHall sells through the engine: one client, then all, while most of the hall is available.
func (b *bench) sellHall(ctx context.Context, m *market, eventID string) error {
	one, err := closedLoop(ctx, 1, b.round, m.reserveWork(eventID))
	if err != nil {
		return err
	}
	b.printf("  %-26s %s", "one client", one)
	left := hallSeats/perCommand - one.Done - 1_000 // for the cold starts
	all, err := b.withProfile("seats", 0, func() (measured, error) {
		return closedLoop(ctx, clients, b.round, atMost(m.reserveWork(eventID), left/clients))
	})
	if err != nil {
		return err
	}
	b.printf("  %-26s %s", "500 clients", all)
	b.printFigure("seats_engine_per_s", all.perSecond())
	return nil
}

// atMost limits each client to n commands.
func atMost(do work, n int) work {
	return func(ctx context.Context, client, i int) error {
		if i >= n {
			time.Sleep(time.Millisecond)
			return nil
		}
		return do(ctx, client, i)
	}
}

// benchDecisions measures inventory.Decide and Evolve alone: the first tenth of the hall, the middle, and the last
// tenth after every fifth reservation was released, so that the available seats are scattered.
func (b *bench) benchDecisions() error {
	d := decider{customer: id.New(id.User)}
	if err := d.decideAndEvolve(newHall()); err != nil {
		return err
	}
	for _, part := range []struct {
		name     string
		from, to int // of a hundred
	}{{"empty", 0, 10}, {"", 10, 45}, {"half", 45, 55}, {"", 55, 90}, {"full", 90, 99}} {
		commands := (part.to - part.from) * hallSeats / perCommand / 100
		if part.name == "full" {
			if err := d.releaseEvery(5); err != nil {
				return err
			}
		}
		began := time.Now()
		for range commands {
			if err := d.reserveTwo(); err != nil {
				return err
			}
		}
		if part.name != "" {
			b.printFigure("seats_decision_"+part.name+"_us", float64(time.Since(began).Microseconds())/float64(commands))
		}
	}
	return b.benchSnapshot(d.state)
}

func (b *bench) benchSnapshot(state inventory.State) error {
	began := time.Now()
	data, err := state.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	b.printf("  snapshot of %d holdings: %.1f MB", len(state.Holdings), float64(len(data))/1e6)
	b.printFigure("seats_snapshot_write_ms", milliseconds(time.Since(began)))
	began = time.Now()
	var read inventory.State
	if err := read.UnmarshalBinary(data); err != nil {
		return fmt.Errorf("decode the snapshot: %w", err)
	}
	b.printFigure("seats_snapshot_read_ms", milliseconds(time.Since(began)))
	return nil
}

// decider is an inventory without an engine.
type decider struct {
	state    inventory.State
	customer string
	held     []string
}

func (d *decider) decideAndEvolve(c inventory.Command) error {
	events, err := inventory.Decide(d.state, c, time.Time{})
	if err != nil {
		return err
	}
	for _, e := range events {
		d.state = inventory.Evolve(d.state, e)
	}
	return nil
}

func (d *decider) reserveTwo() error {
	quantity := perCommand
	reservationID := id.New(id.Reservation)
	d.held = append(d.held, reservationID)
	return d.decideAndEvolve(inventory.Reserve{
		ReservationID: reservationID, CustomerID: d.customer, MaxPerReservation: 8,
		Items: []inventory.ReserveItem{{Section: sectionName, Quantity: &quantity}},
	})
}

// releaseEvery releases every n-th reservation.
func (d *decider) releaseEvery(n int) error {
	for i := 0; i < len(d.held); i += n {
		if err := d.decideAndEvolve(inventory.Release{ReservationID: d.held[i]}); err != nil {
			return err
		}
	}
	return nil
}
