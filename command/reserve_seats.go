package command

import (
	"context"

	"ticketing/command/engine"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// ReserveSeats is a customer's request for seats of one event.
type ReserveSeats struct {
	EventID string
	Items   []inventory.ReserveItem
}

// ReserveSeats holds seats for the caller, in any number of sections, all or nothing: the inventory and the new reservation are
// decided and appended as one.
func (s *Service) ReserveSeats(ctx context.Context, by Caller, in ReserveSeats) (Reservation, error) {
	reservationID := id.New(id.Reservation)
	r, _, err := executeOnce(ctx, s, by, action[Reservation]{
		mutation: "reserveSeats", input: in, ref: Reservation.ref, streams: eventStreams(in.EventID),
		decide: func(tx *engine.Tx) (Reservation, error) { return s.decideReserve(tx, by, reservationID, in) },
		replay: s.replayReservation,
	})
	return r, err
}

func (s *Service) decideReserve(tx *engine.Tx, by Caller, reservationID string, in ReserveSeats) (Reservation, error) {
	e, err := events.Load(tx, in.EventID)
	if err != nil {
		return Reservation{}, err
	}
	if err := by.mayReserve(e); err != nil {
		return Reservation{}, err
	}
	if !e.OnSale(tx.Now) {
		return Reservation{}, rejection.New(rejection.SalesNotOpen, "tickets of this event are not on sale").At("eventId")
	}
	inv, err := inventories.Decide(tx, in.EventID, inventory.Reserve{
		ReservationID: reservationID, CustomerID: by.Principal.ID(), Linked: by.Principal.Linked(), Items: in.Items,
		MaxPerReservation: e.MaxTicketsPerReservation, MaxPerCustomer: e.MaxTicketsPerCustomer, MaxUnpaid: s.unpaid,
	})
	if err != nil {
		return Reservation{}, err
	}
	seats, total, err := priceSeats(inv, inv.Holdings[reservationID].Items)
	if err != nil {
		return Reservation{}, err
	}
	state, err := reservations.Create(tx, reservationID, reservation.Initiate{
		EventID: in.EventID, CustomerID: by.Principal.ID(), Seats: seats, Total: total, PaymentAttempts: e.PaymentAttempts, Hold: s.hold,
		TimeZone: e.TimeZone,
	})
	if err != nil {
		return Reservation{}, err
	}
	return viewReservation(tx, reservationID, state), nil
}

// priceSeats gives each seat the price of its section as it is now: never from the client, and never again later.
func priceSeats(inv inventory.State, items []inventory.Item) (seats []reservation.Seat, total money.Money, err error) {
	for _, item := range items {
		section := inv.Section(item.Section)
		total.Currency = section.Price.Currency
		for i := range item.Quantity {
			seat := reservation.Seat{Section: section.Name, Price: section.Price}
			if section.Seated() {
				seat.Label = item.Labels[i]
			}
			if total, err = total.Add(section.Price); err != nil {
				return nil, money.Money{}, rejection.New(rejection.Invalid, "the total is out of range").At("items")
			}
			seats = append(seats, seat)
		}
	}
	return seats, total, nil
}
