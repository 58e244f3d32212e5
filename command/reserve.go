package command

import (
	"context"
	"time"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// ReserveSeats is a customer's wish for seats of one event.
type ReserveSeats struct {
	EventID string
	Items   []inventory.ReserveItem
}

// ReserveSeats holds seats for the caller, in any number of sections, all or nothing: the inventory and the new reservation are
// decided and appended as one.
func (s *Service) ReserveSeats(ctx context.Context, by Caller, in ReserveSeats) (Reservation, error) {
	reservationID := id.New(id.Reservation)
	r, _, err := run(ctx, s, by, action[Reservation]{
		mutation: "reserveSeats", input: in, ref: Reservation.ref, streams: eventStreams(in.EventID),
		decide: func(tx *engine.Tx) (Reservation, error) { return decideReserve(tx, by, reservationID, in, s.Hold) },
		replay: func(ctx context.Context, ref string) (Reservation, error) { return s.reservation(ctx, by, ref) },
	})
	return r, err
}

func decideReserve(tx *engine.Tx, by Caller, reservationID string, in ReserveSeats, hold time.Duration) (Reservation, error) {
	occasion, err := engine.Load[event.State](tx, event.Stream(in.EventID))
	if err != nil {
		return Reservation{}, err
	}
	stock, err := engine.Load[inventory.State](tx, inventory.Stream(in.EventID))
	if err != nil {
		return Reservation{}, err
	}
	if err := by.mayReserve(occasion); err != nil {
		return Reservation{}, err
	}
	if !occasion.OnSale(tx.Now) {
		return Reservation{}, rejection.New(rejection.SalesNotOpen, "tickets of this event are not on sale").At("eventId")
	}
	reserved, err := inventory.Decide(stock, inventory.Reserve{
		ReservationID: reservationID, CustomerID: by.Actor, Items: in.Items,
		MaxPerReservation: occasion.MaxTicketsPerReservation, MaxPerCustomer: occasion.MaxTicketsPerCustomer,
	}, tx.Now)
	if err != nil {
		return Reservation{}, err
	}
	seats, total, err := price(stock, reserved)
	if err != nil {
		return Reservation{}, err
	}
	initiated, err := reservation.Decide(reservation.State{}, reservation.Initiate{
		EventID: in.EventID, CustomerID: by.Actor, Seats: seats, Total: total, PaymentAttempts: occasion.PaymentAttempts, Hold: hold,
	}, tx.Now)
	if err != nil {
		return Reservation{}, err
	}
	if err := engine.Create(tx, reservation.Stream(reservationID)); err != nil {
		return Reservation{}, err
	}
	engine.Append[inventory.State](tx, inventory.Stream(in.EventID), reserved)
	state := engine.Append[reservation.State](tx, reservation.Stream(reservationID), initiated)
	return viewReservation(tx, reservationID, state), nil
}

// price takes each seat's price from its section as it is now: never from the client, and never again later.
func price(stock inventory.State, reserved []inventory.DomainEvent) ([]reservation.Seat, money.Money, error) {
	var seats []reservation.Seat
	var total money.Money
	for _, item := range reserved[0].(inventory.SeatsReserved).Items { //nolint:forcetypeassert // what inventory.Reserve comes to
		section := stock.Section(item.Section)
		total.Currency = section.Price.Currency
		for i := range item.Quantity {
			seat := reservation.Seat{Section: section.Name, Price: section.Price}
			if section.Seated() {
				seat.Label = item.Labels[i]
			}
			var err error
			if total, err = total.Add(section.Price); err != nil {
				return nil, money.Money{}, rejection.New(rejection.Invalid, "the total is out of range").At("items")
			}
			seats = append(seats, seat)
		}
	}
	return seats, total, nil
}
