package event

import (
	"cmp"

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

func checkRange(n, most int, field string) error {
	if n < 1 || n > most {
		return rejection.New(rejection.Invalid, "%s must be between 1 and %d", field, most).At(field)
	}
	return nil
}
