package graph_test

import (
	"context"
	"sync"
	"time"

	"ticketing/command"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// fakeCommands accepts everything, or answers err, and remembers what it was asked.
type fakeCommands struct {
	mu    sync.Mutex
	by    []command.Caller
	asked []any
	err   error
	paid  command.Paid
}

func (f *fakeCommands) called(by command.Caller, what any) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.by, f.asked = append(f.by, by), append(f.asked, what)
	return f.err
}

// last answers who asked for what last.
func (f *fakeCommands) last() (command.Caller, any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.by) == 0 {
		return command.Caller{}, nil
	}
	return f.by[len(f.by)-1], f.asked[len(f.asked)-1]
}

func (f *fakeCommands) event(by command.Caller, eventID string, what any) (command.Event, error) {
	if err := f.called(by, what); err != nil {
		return command.Event{}, err
	}
	return command.Event{
		ID: eventID, Version: 2, InventoryVersion: 1,
		State:    event.State{Status: event.Draft, OrganizerID: by.Actor, Name: "A night", Venue: "A hall", StartsAt: time.Unix(1798754400, 0)},
		Sections: []command.Section{{Name: "Floor", Price: money.Money{Minor: 1500, Currency: "JPY"}, Capacity: 10, Reserved: 2, Sold: 3}},
	}, nil
}

func (f *fakeCommands) CreateEvent(_ context.Context, by command.Caller, in event.Create) (command.Event, error) {
	return f.event(by, id.New(id.Event), in)
}

func (f *fakeCommands) UpdateEvent(_ context.Context, by command.Caller, eventID string, in event.Update) (command.Event, error) {
	return f.event(by, eventID, in)
}

func (f *fakeCommands) AddInventory(_ context.Context, by command.Caller, eventID string, in inventory.Add) (command.Event, error) {
	return f.event(by, eventID, in)
}

func (f *fakeCommands) PublishEvent(_ context.Context, by command.Caller, eventID string) (command.Event, error) {
	return f.event(by, eventID, event.Publish{})
}

func (f *fakeCommands) OpenSales(_ context.Context, by command.Caller, eventID string) (command.Event, error) {
	return f.event(by, eventID, event.OpenSales{})
}

func (f *fakeCommands) CloseSales(_ context.Context, by command.Caller, eventID string) (command.Event, error) {
	return f.event(by, eventID, event.CloseSales{})
}

func (f *fakeCommands) CancelEvent(_ context.Context, by command.Caller, eventID, reason string) (command.Event, error) {
	return f.event(by, eventID, event.Cancel{Reason: reason})
}

func (f *fakeCommands) CompleteEvent(_ context.Context, by command.Caller, eventID string) (command.Event, error) {
	return f.event(by, eventID, event.Complete{})
}

func (f *fakeCommands) ReserveSeats(_ context.Context, by command.Caller, in command.ReserveSeats) (command.Reservation, error) {
	if err := f.called(by, in); err != nil {
		return command.Reservation{}, err
	}
	return held(by.Actor), nil
}

func (f *fakeCommands) CancelReservation(_ context.Context, by command.Caller, in command.CancelReservation) (command.Reservation, error) {
	if err := f.called(by, in); err != nil {
		return command.Reservation{}, err
	}
	return held(by.Actor), nil
}

func (f *fakeCommands) ProcessPayment(_ context.Context, by command.Caller, in command.ProcessPayment) (command.Paid, error) {
	return f.paid, f.called(by, in)
}

func (f *fakeCommands) ConfirmPayment(_ context.Context, by command.Caller, paymentID string) (command.Paid, error) {
	return f.paid, f.called(by, paymentID)
}

func (f *fakeCommands) RefundPayment(_ context.Context, by command.Caller, in command.RefundPayment) (command.Refunding, error) {
	if err := f.called(by, in); err != nil {
		return command.Refunding{}, err
	}
	refund := payment.Refund{ID: id.New(id.Refund), Amount: money.Money{Minor: 500, Currency: "EUR"}, Status: payment.RefundPending, Reason: in.Reason}
	return command.Refunding{Refund: refund, Payment: command.Payment{ID: in.PaymentID, Version: 4, State: payment.State{
		Status: payment.Completed, Amount: money.Money{Minor: 1500, Currency: "EUR"}, Refunds: []payment.Refund{refund},
	}}}, nil
}

func held(customer string) command.Reservation {
	price := money.Money{Minor: 15000, Currency: "EUR"}
	return command.Reservation{ID: id.New(id.Reservation), Version: 1, State: reservation.State{
		Status: reservation.SeatsReserved, EventID: id.New(id.Event), CustomerID: customer, Total: price,
		Seats: []reservation.Seat{{Section: "Floor", Price: price}},
	}}
}

func declined(customer string) command.Paid {
	r := held(customer)
	return command.Paid{Reservation: r, Payment: &command.Payment{ID: id.New(id.Payment), Version: 3, State: payment.State{
		Status: payment.Failed, ReservationID: r.ID, CustomerID: customer, Amount: r.Total, Gateway: "sandbox", FailureReason: "No.",
	}}}
}
