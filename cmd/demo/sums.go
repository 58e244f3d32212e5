package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
)

// World is what the API says after the sale, read back through it, beside what the customers lived through.
type World struct {
	Event     Event
	Customers []Outcome
	Counts    *Watch
}

// Outcome is how a customer's way ended, and what the API has of it.
type Outcome struct {
	Name        string
	Stage       Stage
	Failure     error
	Reservation *Reservation // nil without one
	Watch       *Watch       // nil unless the customer followed the reservation
}

// Check is one thing that must be so, and what speaks against it.
type Check struct {
	Claim string
	Wrong []string
}

func (c *Check) fail(format string, args ...any) {
	c.Wrong = append(c.Wrong, fmt.Sprintf(format, args...))
}

// Checks answers everything that must be so of any sale.
func Checks(w World) []Check {
	return []Check{w.capacity(), w.tickets(), w.labels(), w.money(), w.endings(), w.subscriptions()}
}

// Holds says whether nothing speaks against any of the checks.
func Holds(checks []Check) bool {
	return !slices.ContainsFunc(checks, func(c Check) bool { return len(c.Wrong) > 0 })
}

func (w World) capacity() Check {
	c := Check{Claim: "in every section: sold + reserved + available = capacity"}
	if len(w.Event.Sections) == 0 {
		c.fail("the event has no sections")
	}
	for _, s := range w.Event.Sections {
		if s.Sold+s.Reserved+s.Available != s.Capacity || s.Sold < 0 || s.Reserved < 0 || s.Available < 0 {
			c.fail("%s: %d sold + %d reserved + %d available, of %d", s.Name, s.Sold, s.Reserved, s.Available, s.Capacity)
		}
	}
	return c
}

// statuses in which a reservation has its tickets, and what those count as.
var holds = map[string]string{"COMPLETED": "SOLD", "SEATS_RESERVED": "RESERVED", "PAYMENT_PENDING": "RESERVED"}

// reservations answers those that have, of the tickets, what the predicate wants.
func (w World) reservations(status func(string) bool) (found []*Reservation) {
	for _, c := range w.Customers {
		if c.Reservation != nil && status(c.Reservation.Status) {
			found = append(found, c.Reservation)
		}
	}
	return found
}

func (w World) tickets() Check {
	c := Check{Claim: "what a section counts as sold and reserved is what its customers' reservations hold"}
	count := map[string]map[string]int{"SOLD": {}, "RESERVED": {}}
	for _, r := range w.reservations(func(status string) bool { return holds[status] != "" }) {
		for _, seat := range r.Seats {
			count[holds[r.Status]][seat.Section]++
		}
	}
	for _, s := range w.Event.Sections {
		if n := count["SOLD"][s.Name]; n != s.Sold {
			c.fail("%s: %d sold, but %d tickets in completed reservations", s.Name, s.Sold, n)
		}
		if n := count["RESERVED"][s.Name]; n != s.Reserved {
			c.fail("%s: %d reserved, but %d tickets in reservations that are not paid", s.Name, s.Reserved, n)
		}
	}
	return c
}

func (w World) labels() Check {
	c := Check{Claim: "no seat has two holders, and the seat map shows who has one"}
	held := map[string]*Reservation{}
	for _, r := range w.reservations(func(status string) bool { return holds[status] != "" }) {
		for _, seat := range r.Seats {
			if seat.Label == "" {
				continue
			}
			key := seat.Section + " " + seat.Label
			if other, taken := held[key]; taken {
				c.fail("%s is in %s and in %s", key, other.ID, r.ID)
			}
			held[key] = r
		}
	}
	for _, s := range w.Event.Sections {
		if n := len(s.Seats.Nodes); n != 0 && n != s.Capacity {
			c.fail("%s: %d seats in the map, of %d", s.Name, n, s.Capacity)
		}
		for _, seat := range s.Seats.Nodes {
			key, want := s.Name+" "+seat.Label, "AVAILABLE"
			if r, taken := held[key]; taken {
				want = holds[r.Status]
			}
			if seat.Status != want {
				c.fail("%s is %s in the map, but %s by the reservations", key, seat.Status, want)
			}
			delete(held, key)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(held)) {
		c.fail("%s is in %s, but not in the map", key, held[key].ID)
	}
	return c
}

func (w World) money() Check {
	c := Check{Claim: "completed payments = totals of completed reservations = prices of their tickets"}
	paid, totals, prices := Sum{}, Sum{}, Sum{}
	for _, outcome := range w.Customers {
		if outcome.Reservation == nil {
			continue
		}
		for _, p := range outcome.Reservation.Payments {
			if p.Status == "COMPLETED" {
				c.add(paid, p.Amount)
			}
		}
		if outcome.Reservation.Status == "COMPLETED" {
			c.add(totals, outcome.Reservation.Total)
			for _, seat := range outcome.Reservation.Seats {
				c.add(prices, seat.Price)
			}
		}
	}
	if !paid.Equals(totals) || !totals.Equals(prices) {
		c.fail("%s in payments, %s in reservations, %s in tickets", paid, totals, prices)
	}
	return c
}

func (c *Check) add(sum Sum, m Money) {
	if !sum.Add(m) {
		c.fail("%q is no amount of %q", m.Amount, m.CurrencyCode)
	}
}

// Sum is money added up, by currency. Fractions are exact, which floats are not.
type Sum map[string]*big.Rat

// Add adds, unless the amount is none.
func (s Sum) Add(m Money) bool {
	amount, ok := new(big.Rat).SetString(m.Amount)
	if !ok || m.CurrencyCode == "" {
		return false
	}
	if s[m.CurrencyCode] == nil {
		s[m.CurrencyCode] = new(big.Rat)
	}
	s[m.CurrencyCode].Add(s[m.CurrencyCode], amount)
	return true
}

// Equals compares every currency.
func (s Sum) Equals(other Sum) bool {
	return maps.EqualFunc(s, other, func(a, b *big.Rat) bool { return a.Cmp(b) == 0 })
}

// String answers the sum for people, "0" when there is none.
func (s Sum) String() string {
	var parts []string
	for _, currency := range slices.Sorted(maps.Keys(s)) {
		parts = append(parts, s[currency].FloatString(2)+" "+currency)
	}
	if len(parts) == 0 {
		return "0"
	}
	return strings.Join(parts, " + ")
}

// becomes is what a customer's reservation must be at the end of each stage.
var becomes = map[Stage][]string{
	Paid:      {"COMPLETED"},
	Declined:  {"COMPENSATED"},
	Cancelled: {"CANCELLED"},
	Holding:   {"SEATS_RESERVED", "EXPIRED"},
	Expired:   {"EXPIRED"},
}

func (w World) endings() Check {
	c := Check{Claim: "every reservation is what its customer was told: COMPLETED, COMPENSATED, CANCELLED, EXPIRED or still held"}
	for _, outcome := range w.Customers {
		r := outcome.Reservation
		switch {
		case outcome.Stage == SoldOut && r == nil:
		case outcome.Stage == Failed:
			c.fail("%s failed: %v", outcome.Name, outcome.Failure)
		case r == nil:
			c.fail("%s ended as %s, without a reservation", outcome.Name, outcome.Stage)
		case !slices.Contains(becomes[outcome.Stage], r.Status):
			c.fail("%s ended as %s, but %s is %s", outcome.Name, outcome.Stage, r.ID, r.Status)
		default:
			c.payments(outcome.Stage, r)
		}
	}
	return c
}

// payments checks that exactly those paid who have tickets, and that they paid once.
func (c *Check) payments(stage Stage, r *Reservation) {
	count := map[string]int{}
	for _, p := range r.Payments {
		count[p.Status]++
	}
	want := 0
	if stage == Paid {
		want = 1
	}
	if count["COMPLETED"] != want {
		c.fail("%s is %s, with %d completed payments", r.ID, r.Status, count["COMPLETED"])
	}
	if stage == Declined && count["FAILED"] == 0 {
		c.fail("%s is %s, with no failed payment", r.ID, r.Status)
	}
}

func (w World) subscriptions() Check {
	c := Check{Claim: "every subscription told rising versions, and the last state"}
	for _, outcome := range w.Customers {
		if outcome.Watch == nil || outcome.Reservation == nil {
			continue
		}
		version, state, err := outcome.Watch.Told()
		if err != nil {
			c.fail("%v", err)
		}
		var told Reservation
		_ = json.Unmarshal(state, &told)
		if r := outcome.Reservation; version != r.Version || told.Status != r.Status {
			c.fail("%s told version %d, %s last; it is at version %d, %s", outcome.Watch.What, version, told.Status, r.Version, r.Status)
		}
	}
	if w.Counts == nil {
		return c
	}
	version, state, err := w.Counts.Told()
	if err != nil {
		c.fail("%v", err)
	}
	var told Event
	_ = json.Unmarshal(state, &told)
	same := slices.EqualFunc(told.Sections, w.Event.Sections, func(a, b Section) bool {
		return a.Name == b.Name && a.Available == b.Available && a.Reserved == b.Reserved && a.Sold == b.Sold
	})
	if version != w.Event.InventoryVersion || !same {
		c.fail("%s told version %d last; it is at version %d", w.Counts.What, version, w.Event.InventoryVersion)
	}
	return c
}
