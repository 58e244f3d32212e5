package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// AwaitSums reads everything back through the API until the sums add up, or the patience is over. The read side follows the log,
// so it may be a moment behind what the mutations answered; that is no error, but staying behind is.
func AwaitSums(ctx context.Context, sale *Sale, organizer *Client, patience time.Duration) (World, []Check, error) {
	for until := time.Now().Add(patience); ; {
		world, err := readBack(ctx, sale, organizer)
		if err != nil {
			return World{}, nil, fmt.Errorf("reading back: %w", err)
		}
		checks := Checks(world)
		if Holds(checks) || time.Now().After(until) {
			return world, checks, nil
		}
		if err := sleep(ctx, 300*time.Millisecond); err != nil {
			return World{}, nil, err
		}
	}
}

func readBack(ctx context.Context, sale *Sale, organizer *Client) (World, error) {
	event, err := organizer.ReadEvent(ctx, sale.EventID)
	if err != nil {
		return World{}, err
	}
	world := World{Event: event, Customers: make([]Outcome, len(sale.Customers)), Counts: sale.Counts}
	readers, ctx := errgroup.WithContext(ctx)
	readers.SetLimit(16)
	for i, c := range sale.Customers {
		world.Customers[i] = Outcome{Name: c.Name, Stage: c.Stage, Failure: c.Failure, Watch: c.Watch}
		if c.Reservation == nil {
			continue
		}
		readers.Go(func() error {
			found, err := c.client.ReadReservation(ctx, c.Reservation.ID, 0)
			if codeOf(err) == "NOT_FOUND" {
				return nil // not yet, one hopes: without it the sums don't add up
			}
			world.Customers[i].Reservation = &found
			return err
		})
	}
	return world, readers.Wait()
}

// AwaitExpiry waits for the holds of those who walked away, when that takes no longer than the patience, and else answers until
// when the last of them lasts. Nobody has to do anything for it: expiring is the server's business.
func AwaitExpiry(ctx context.Context, sale *Sale, patience time.Duration) time.Time {
	const sweep = 15 * time.Second // the server may be so late
	var last time.Time
	for _, c := range sale.Customers {
		if c.Stage == Holding && c.Reservation.ExpiresAt.After(last) {
			last = c.Reservation.ExpiresAt
		}
	}
	if last.IsZero() || time.Until(last) > patience {
		return last
	}
	for time.Now().Before(last.Add(sweep)) {
		holding := 0
		for _, c := range sale.Customers {
			if c.Stage == Holding && !sale.expired(ctx, c) {
				holding++
			}
		}
		if holding == 0 {
			break
		}
		left := max(0, time.Until(last)).Round(time.Second)
		sale.board.Phase(fmt.Sprintf("%d unpaid holds expire, the last in %s", holding, left))
		if sleep(ctx, 500*time.Millisecond) != nil {
			break
		}
	}
	return time.Time{}
}

// expired moves a customer whose hold is over, once the server says so.
func (s *Sale) expired(ctx context.Context, c *Customer) bool {
	if time.Now().Before(c.Reservation.ExpiresAt) {
		return false
	}
	now, err := c.client.ReadReservation(ctx, c.Reservation.ID, c.Reservation.Version)
	if err != nil || now.Status != "EXPIRED" {
		return false
	}
	s.move(c, Expired)
	return true
}

// Report says what was sold, and what of it adds up.
func Report(world World, checks []Check) string {
	var out strings.Builder
	fmt.Fprintf(&out, "\n%-10s %10s %10s %10s %10s\n", "section", "capacity", "sold", "reserved", "available")
	for _, s := range world.Event.Sections {
		fmt.Fprintf(&out, "%-10s %10d %10d %10d %10d\n", s.Name, s.Capacity, s.Sold, s.Reserved, s.Available)
	}
	var counts [stages]int
	tickets, revenue := map[Stage]int{}, Sum{}
	for _, c := range world.Customers {
		counts[c.Stage]++
		if c.Reservation == nil {
			continue
		}
		tickets[c.Stage] += len(c.Reservation.Seats)
		for _, p := range c.Reservation.Payments {
			if p.Status == "COMPLETED" {
				revenue.Add(p.Amount)
			}
		}
	}
	fmt.Fprintf(&out, "\n%-16s %10s %10s\n", "", "customers", "tickets")
	for st, n := range counts {
		if n > 0 {
			fmt.Fprintf(&out, "%-16s %10d %10d\n", Stage(st), n, tickets[Stage(st)])
		}
	}
	fmt.Fprintf(&out, "\ntaken: %s\n\n", revenue)
	for _, c := range checks {
		mark := "ok   "
		if len(c.Wrong) > 0 {
			mark = "WRONG"
		}
		fmt.Fprintf(&out, "%s  %s\n", mark, c.Claim)
		const most = 10
		for i, wrong := range c.Wrong {
			if i == most {
				fmt.Fprintf(&out, "         … and %d more\n", len(c.Wrong)-most)
				break
			}
			fmt.Fprintf(&out, "         %s\n", wrong)
		}
	}
	return out.String()
}
