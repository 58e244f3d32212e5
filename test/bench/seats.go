package main

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"ticketing/command/inventory"
	"ticketing/internal/id"
	"ticketing/internal/migrations"
	"ticketing/internal/money"
)

// A stadium's worth in one section, so that best-available has the most to choose from.
const (
	hallRows   = 2_000
	seatsInRow = 50
	hallSeats  = hallRows * seatsInRow
)

func hall() inventory.Add {
	rows := make([]inventory.Row, hallRows)
	for i := range rows {
		rows[i] = inventory.Row{Name: "R" + strconv.Itoa(i+1), Seats: seatsInRow}
	}
	return inventory.Add{Section: sectionName, Price: money.Money{Minor: 7_900, Currency: "EUR"}, Rows: rows}
}

// seats measures an event with 100,000 numbered seats: the decision alone as the hall fills, the snapshot of the full hall, the engine
// with one client and with 500, and a cold start.
func seats(ctx context.Context, b *bench) (err error) {
	if err := b.decisions(); err != nil {
		return err
	}
	url, drop, err := b.servers.database(ctx, "seats", migrations.Events)
	if err != nil {
		return err
	}
	defer drop()
	m, err := openMarket(ctx, url)
	if err != nil {
		return err
	}
	eventID, err := m.stage(ctx, hall())
	if err == nil {
		err = b.sellHall(ctx, m, eventID)
	}
	if err := errors.Join(err, m.close()); err != nil {
		return err
	}
	return b.coldStarts(ctx, url, eventID)
}

// sellHall sells through the engine: one client, then all, for as long as most of the hall is left.
func (b *bench) sellHall(ctx context.Context, m *market, eventID string) error {
	one, err := closedLoop(ctx, 1, b.round, m.reserve(eventID))
	if err != nil {
		return err
	}
	b.say("  %-26s %s", "one client", one)
	left := hallSeats/perCommand - one.Done - 1_000 // for the cold starts
	all, err := b.profiled("seats", 0, func() (measured, error) {
		return closedLoop(ctx, clients, b.round, bounded(m.reserve(eventID), left/clients))
	})
	if err != nil {
		return err
	}
	b.say("  %-26s %s", "500 clients", all)
	b.figure("seats_engine_per_s", all.rate())
	return nil
}

// bounded has each client do at most n commands.
func bounded(do work, n int) work {
	return func(ctx context.Context, client, i int) error {
		if i >= n {
			time.Sleep(time.Millisecond)
			return nil
		}
		return do(ctx, client, i)
	}
}

// decisions measures inventory.Decide and Evolve alone, with nothing around them: the first tenth of the hall, the middle, and the last
// tenth, of which every fifth reservation was given back, so that what is left lies scattered.
func (b *bench) decisions() error {
	d := decider{customer: id.New(id.User)}
	if err := d.evolve(hall()); err != nil {
		return err
	}
	for _, part := range []struct {
		name     string
		from, to int // of a hundred
	}{{"empty", 0, 10}, {"", 10, 45}, {"half", 45, 55}, {"", 55, 90}, {"full", 90, 99}} {
		commands := (part.to - part.from) * hallSeats / perCommand / 100
		if part.name == "full" {
			if err := d.release(5); err != nil {
				return err
			}
		}
		began := time.Now()
		for range commands {
			if err := d.reserve(); err != nil {
				return err
			}
		}
		if part.name != "" {
			b.figure("seats_decision_"+part.name+"_us", float64(time.Since(began).Microseconds())/float64(commands))
		}
	}
	return b.snapshot(d.state)
}

func (b *bench) snapshot(state inventory.State) error {
	began := time.Now()
	data, err := state.AppendBinary(nil)
	if err != nil {
		return fmt.Errorf("encode the snapshot: %w", err)
	}
	b.say("  snapshot of %d holdings: %.1f MB", len(state.Holdings), float64(len(data))/1e6)
	b.figure("seats_snapshot_write_ms", ms(time.Since(began)))
	began = time.Now()
	var read inventory.State
	if err := read.UnmarshalBinary(data); err != nil {
		return fmt.Errorf("decode the snapshot: %w", err)
	}
	b.figure("seats_snapshot_read_ms", ms(time.Since(began)))
	return nil
}

// decider is an inventory without an engine.
type decider struct {
	state    inventory.State
	customer string
	held     []string
}

func (d *decider) evolve(c inventory.Command) error {
	events, err := inventory.Decide(d.state, c, time.Time{})
	if err != nil {
		return err
	}
	for _, e := range events {
		d.state = inventory.Evolve(d.state, e)
	}
	return nil
}

func (d *decider) reserve() error {
	quantity := perCommand
	reservationID := id.New(id.Reservation)
	d.held = append(d.held, reservationID)
	return d.evolve(inventory.Reserve{
		ReservationID: reservationID, CustomerID: d.customer, MaxPerReservation: 8,
		Items: []inventory.ReserveItem{{Section: sectionName, Quantity: &quantity}},
	})
}

// release gives every n-th reservation back.
func (d *decider) release(n int) error {
	for i := 0; i < len(d.held); i += n {
		if err := d.evolve(inventory.Release{ReservationID: d.held[i]}); err != nil {
			return err
		}
	}
	return nil
}
