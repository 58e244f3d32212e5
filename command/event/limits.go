package event

import (
	"cmp"
	"math"
	"reflect"

	"ticketing/command/rejection"
)

// Limits of an event. Lengths are in characters.
const (
	LongestName               = 200
	LongestDescription        = 10_000
	LongestVenue              = 200
	LongestReason             = 500
	MostTicketsPerReservation = 100
	MostTicketsPerCustomer    = 10_000
	MostPaymentAttempts       = 10
)

func checkTexts(name, description, venue string) error {
	return cmp.Or(
		rejection.CheckName(name, LongestName, "name"),
		rejection.CheckLength(description, LongestDescription, "description"),
		rejection.CheckName(venue, LongestVenue, "venue"),
	)
}

func checkLimits(l Limits) error {
	return cmp.Or(
		checkRange(l.MaxTicketsPerReservation, MostTicketsPerReservation, "maxTicketsPerReservation"),
		checkRange(valueOr(l.MaxTicketsPerCustomer, MostTicketsPerCustomer), MostTicketsPerCustomer, "maxTicketsPerCustomer"),
		checkRange(l.PaymentAttempts, MostPaymentAttempts, "paymentAttempts"),
	)
}

// newLimits returns the limits as c makes them, nil if it leaves them as they are.
func (c Update) newLimits(s State) *Limits {
	before := s.limits()
	after := Limits{
		MaxTicketsPerReservation: valueOr(c.MaxTicketsPerReservation, before.MaxTicketsPerReservation),
		MaxTicketsPerCustomer:    before.MaxTicketsPerCustomer,
		PaymentAttempts:          valueOr(c.PaymentAttempts, before.PaymentAttempts),
	}
	if c.MaxTicketsPerCustomer != nil || c.ClearMaxTicketsPerCustomer {
		after.MaxTicketsPerCustomer = c.MaxTicketsPerCustomer
	}
	if reflect.DeepEqual(before, after) {
		return nil
	}
	return &after
}

// Lowers reports whether c sets a limit on tickets below that of s, so that Held matters.
func (c Update) Lowers(s State) bool {
	return c.MaxTicketsPerReservation != nil && *c.MaxTicketsPerReservation < s.MaxTicketsPerReservation ||
		c.MaxTicketsPerCustomer != nil && *c.MaxTicketsPerCustomer < valueOr(s.MaxTicketsPerCustomer, math.MaxInt)
}

// checkRoom checks new limits, also against what customers have already. Limits that were broken before may stay.
func (c Update) checkRoom(s State, l *Limits) error {
	if l == nil {
		return nil
	}
	if err := checkLimits(*l); err != nil || !c.Lowers(s) {
		return err
	}
	if most := c.Held.MostOfReservation; c.MaxTicketsPerReservation != nil && l.MaxTicketsPerReservation < most {
		return rejection.New(rejection.Invalid, "a reservation has %d tickets already: the limit cannot be lower", most).At("maxTicketsPerReservation")
	}
	if most := c.Held.MostOfCustomer; c.MaxTicketsPerCustomer != nil && *c.MaxTicketsPerCustomer < most {
		return rejection.New(rejection.Invalid, "a customer has %d tickets already: the limit cannot be lower", most).At("maxTicketsPerCustomer")
	}
	return nil
}

func checkRange(n, most int, field string) error {
	if n < 1 || n > most {
		return rejection.New(rejection.Invalid, "%s must be between 1 and %d", field, most).At(field)
	}
	return nil
}
