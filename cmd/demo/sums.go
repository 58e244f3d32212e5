package main

import (
	"context"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"ticketing/clients/go/api"
	"ticketing/internal/wait"
)

// claim is something that must be true, and what contradicts it.
type claim struct {
	text  string
	wrong []string
}

func (s *sale) checkClaims() []claim {
	_, wrongMoney := s.checkMoney()
	return []claim{
		{"sold + reserved + available = capacity, reservations have what is sold and reserved, and no seat is in two", s.checkTickets()},
		{"completed payments = totals of completed reservations", wrongMoney},
		{"every reservation is what its customer saw, and paid once or not at all", s.checkEndings()},
		{"every subscription received rising versions, and the last state", s.checkSubscriptions()},
	}
}

// awaitSums reads everything back until it adds up. The read side follows the log and may be a moment behind, a payment may take the gateway a
// while, and holds that end soon are waited for; staying behind is an error.
func (s *sale) awaitSums(ctx context.Context) ([]claim, error) {
	const usual, longest = 10 * time.Second, 90 * time.Second
	s.board.setPhase("reading everything back")
	expires := max(0, time.Until(s.lastHold()))
	if expires > longest { // not waited for
		expires = 0
	}
	for until := time.Now().Add(usual + expires); ; {
		if err := s.readBack(ctx); err != nil {
			return nil, fmt.Errorf("read back: %w", err)
		}
		claims := s.checkClaims()
		wrong := slices.ContainsFunc(claims, func(c claim) bool { return len(c.wrong) > 0 })
		switch late := time.Now().After(until); {
		case late && wrong:
			return claims, errors.New("the sums do not add up")
		case late || !wrong && (expires == 0 || s.lastHold().IsZero()):
			return claims, nil
		}
		_ = wait.For(ctx, 500*time.Millisecond) // an ended context makes readBack fail
	}
}

// lastHold returns when the last unpaid reservation expires, the zero time if there is none.
func (s *sale) lastHold() (last time.Time) {
	for _, c := range s.customers {
		if c.stage == holding && c.reservation.ExpiresAt.After(last) {
			last = c.reservation.ExpiresAt
		}
	}
	return last
}

func (s *sale) readBack(ctx context.Context) error {
	readers, readCtx := errgroup.WithContext(ctx)
	readers.SetLimit(16)
	for _, c := range s.customers {
		if c.reservation.Id != "" {
			readers.Go(func() error { return s.readReservation(readCtx, c) })
		}
	}
	found, err := api.GetEvent(ctx, s.organizer, s.event.Id)
	if err == nil && found.Event != nil {
		s.event = *found.Event
	}
	return errors.Join(err, readers.Wait())
}

// readReservation also learns what the server did by itself: it ended an unpaid hold, or decided a payment that was processing.
func (s *sale) readReservation(ctx context.Context, c *customer) error {
	found, err := api.GetReservation(ctx, c.client, c.reservation.Id)
	if err != nil {
		return err
	}
	c.reservation = *found.Reservation
	for end, status := range statusAt {
		if (c.stage == holding || c.stage == paying) && end != c.stage && status == c.reservation.Status {
			s.move(c, end, nil)
		}
	}
	return nil
}

// statusAt is the status of a reservation whose customer ended at a stage.
var statusAt = map[stage]api.ReservationStatus{
	paid: api.ReservationStatusCompleted, declined: api.ReservationStatusCompensated, cancelled: api.ReservationStatusCancelled,
	holding: api.ReservationStatusSeatsReserved, expired: api.ReservationStatusExpired, soldOut: "",
}

// seatStatus is what a reservation's status makes of its seats; other statuses give them back.
var seatStatus = map[api.ReservationStatus]api.SeatStatus{
	api.ReservationStatusCompleted:      api.SeatStatusSold,
	api.ReservationStatusSeatsReserved:  api.SeatStatusReserved,
	api.ReservationStatusPaymentPending: api.SeatStatusReserved,
}

// ticketsOf are a section's tickets of one status.
type ticketsOf struct {
	section string
	status  api.SeatStatus
}

func (s *sale) checkTickets() (wrong []string) {
	count, holder := map[ticketsOf]int{}, map[string]string{}
	for _, customer := range s.customers {
		r, status := customer.reservation, seatStatus[customer.reservation.Status]
		for _, seat := range r.Seats {
			count[ticketsOf{seat.Section, status}]++
			if seat.Label == nil || status == "" {
				continue // general admission has no labels
			}
			key := seat.Section + " " + *seat.Label
			if other := holder[key]; other != "" {
				wrong = append(wrong, fmt.Sprintf("%s is in %s and in %s", key, other, r.Id))
			}
			holder[key] = r.Id
		}
	}
	for _, sec := range s.event.Sections {
		sold, reserved := count[ticketsOf{sec.Name, api.SeatStatusSold}], count[ticketsOf{sec.Name, api.SeatStatusReserved}]
		if sold != sec.Sold || reserved != sec.Reserved || sold+reserved+sec.Available != sec.Capacity {
			wrong = append(wrong, fmt.Sprintf("%+v, but reservations have %d sold and %d reserved", sec, sold, reserved))
		}
	}
	return wrong
}

// checkMoney adds exactly, which floats could not. What is no amount of euros is missing, so that it does not add up.
func (s *sale) checkMoney() (income string, wrong []string) {
	var paid, due big.Rat
	add := func(sum *big.Rat, m api.Money) {
		if amount, ok := new(big.Rat).SetString(m.Amount); ok && m.CurrencyCode == "EUR" {
			sum.Add(sum, amount)
		}
	}
	for _, customer := range s.customers {
		for _, p := range completedPayments(customer.reservation) {
			add(&paid, p.Amount)
		}
		if customer.reservation.Status == api.ReservationStatusCompleted {
			add(&due, customer.reservation.Total)
		}
	}
	if paid.Cmp(&due) != 0 {
		wrong = []string{fmt.Sprintf("%s in payments, %s in reservations", paid.FloatString(2), due.FloatString(2))}
	}
	return paid.FloatString(2), wrong
}

func (s *sale) checkEndings() (wrong []string) {
	for _, customer := range s.customers {
		r, payments := customer.reservation, len(completedPayments(customer.reservation))
		status, isEnd := statusAt[customer.stage]
		if !isEnd || status != r.Status || payments > 1 || (payments == 1) != (customer.stage == paid) {
			wrong = append(wrong, fmt.Sprintf("%s ended as %s (%v), but %s is %q with %d completed payments",
				customer.name, customer.stage, customer.failure, r.Id, r.Status, payments))
		}
	}
	return wrong
}

func (s *sale) checkSubscriptions() (wrong []string) {
	s.board.mu.Lock()
	defer s.board.mu.Unlock()
	for _, customer := range s.customers {
		r, w := customer.reservation, customer.watch
		same := w.version == r.Version && w.latest.Status == r.Status && w.failure == nil
		if customer.plan.watches && r.Id != "" && !same {
			wrong = append(wrong, fmt.Sprintf("%s received version %d of %s last, not %d (%v)", customer.name, w.version, r.Id, r.Version, w.failure))
		}
	}
	if w := s.counts; w.failure != nil || w.version != s.event.InventoryVersion || !slices.Equal(w.latest.Sections, s.event.Sections) {
		wrong = append(wrong, fmt.Sprintf("the last counts are of version %d, not %d (%v)", w.version, s.event.InventoryVersion, w.failure))
	}
	return wrong
}

// writeReport returns the report: who got what, and whether it adds up.
func (s *sale) writeReport(claims []claim) string {
	var out strings.Builder
	tickets := map[stage]int{}
	for _, c := range s.customers {
		tickets[c.stage] += len(c.reservation.Seats)
	}
	fmt.Fprintf(&out, "\n%-16s %10s %10s\n", "", "customers", "tickets")
	for _, at := range ends {
		fmt.Fprintf(&out, "%-16s %10d %10d\n", at, s.board.stages[at], tickets[at])
	}
	income, _ := s.checkMoney()
	fmt.Fprintf(&out, "\nincome: %s EUR\n\n", income)
	for _, c := range claims {
		mark := map[bool]string{true: "ok   ", false: "WRONG"}[len(c.wrong) == 0]
		fmt.Fprintln(&out, strings.Join(append([]string{mark + "  " + c.text}, c.wrong[:min(10, len(c.wrong))]...), "\n         "))
	}
	if last := s.lastHold(); !last.IsZero() {
		fmt.Fprintf(&out, "\nUnpaid tickets are held until %s. To see them expire, use RESERVATION_HOLD=20s make run.\n", last.Local().Format(time.TimeOnly))
	}
	return out.String()
}
