package commandtest

import (
	"cmp"
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/eventstore"
	"ticketing/command/internal/principal"
	"ticketing/command/inventory"
	"ticketing/internal/money"
)

// Organizer owns the events that OnSale makes.
var Organizer = User("usr_organizer")

// User returns a caller who is a user without special rights.
func User(userID string) command.Caller {
	return command.Caller{Principal: command.User(userID), Trace: command.Trace{CorrelationID: "request of " + userID}}
}

// Part returns a caller that is a part of the system, with the id "system:<part>".
func Part(part string) command.Caller {
	return command.Caller{Principal: principal.System(part), Trace: command.Trace{CorrelationID: "request of " + part}}
}

// OnSale makes an event of the Organizer with these sections and opens its sales. Zero fields have defaults: it starts in a day, a
// reservation has at most 8 tickets and one payment attempt, and without sections there is one, "Floor", with 1,000 tickets at 20.00 EUR.
func (s *System) OnSale(t require.TestingT, e event.Create, sections ...inventory.Add) (eventID string) {
	ctx := context.Background()
	e.Name, e.Venue = cmp.Or(e.Name, "First night"), cmp.Or(e.Venue, "Town hall")
	e.MaxTicketsPerReservation, e.PaymentAttempts = cmp.Or(e.MaxTicketsPerReservation, 8), cmp.Or(e.PaymentAttempts, 1)
	if e.StartsAt.IsZero() {
		now, err := eventstore.ReadTime(ctx, s.Pool)
		require.NoError(t, err)
		e.StartsAt = now.Add(24 * time.Hour)
	}
	if len(sections) == 0 {
		sections = []inventory.Add{Standing("Floor", 1_000, 20_00)}
	}
	created, err := s.CreateEvent(ctx, Organizer, e)
	require.NoError(t, err)
	for _, section := range sections {
		_, err := s.AddInventory(ctx, Organizer, created.ID, section)
		require.NoError(t, err)
	}
	_, err = s.PublishEvent(ctx, Organizer, created.ID)
	require.NoError(t, err)
	_, err = s.OpenSales(ctx, Organizer, created.ID)
	require.NoError(t, err)
	return created.ID
}

// Standing returns a general-admission section.
func Standing(name string, capacity int, minor int64) inventory.Add {
	return inventory.Add{Section: name, Price: money.Money{Minor: minor, Currency: "EUR"}, Capacity: &capacity}
}

// Seated returns a section with rows of numbered seats.
func Seated(name string, minor int64, rows ...inventory.Row) inventory.Add {
	return inventory.Add{Section: name, Price: money.Money{Minor: minor, Currency: "EUR"}, Rows: rows}
}

// Tickets asks for the best n places of a section.
func Tickets(section string, n int) inventory.ReserveItem {
	return inventory.ReserveItem{Section: section, Quantity: &n}
}

// Seats asks for numbered seats of a section.
func Seats(section string, labels ...string) inventory.ReserveItem {
	return inventory.ReserveItem{Section: section, Labels: labels}
}

// Reserve reserves for a customer and returns the reservation.
func (s *System) Reserve(t require.TestingT, by command.Caller, eventID string, items ...inventory.ReserveItem) command.Reservation {
	r, err := s.ReserveSeats(context.Background(), by, command.ReserveSeats{EventID: eventID, Items: items})
	require.NoError(t, err)
	return r
}

// Pay pays a reservation with a card and returns the payment.
func (s *System) Pay(t require.TestingT, by command.Caller, reservationID, token string) command.Payment {
	paid, err := s.ProcessPayment(context.Background(), by, command.ProcessPayment{ReservationID: reservationID, CardToken: token})
	require.NoError(t, err)
	require.NotNil(t, paid.Payment)
	return *paid.Payment
}

// History returns the types of the domain events of a stream, in order.
func (s *System) History(t require.TestingT, streamID string) (types []string) {
	require.NoError(t, s.Pool.QueryRow(context.Background(),
		`SELECT array_agg(type ORDER BY version) FROM domain_events WHERE stream_id = $1`, streamID).Scan(&types))
	return types
}
