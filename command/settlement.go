package command

import (
	"context"
	"slices"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// recordOutcome records what the gateway said of a payment, with all that it means for the reservation and its seats, in one append.
func (s *Service) recordOutcome(ctx context.Context, by Caller, paymentID string, outcome payment.RecordOutcome) (Paid, error) {
	refundID := id.New(id.Refund)
	return execute(ctx, s, by, "recordOutcome", []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return decideOutcome(tx, paymentID, outcome, refundID)
	})
}

// settlement is what a payment was made for, before something is decided about it.
type settlement struct {
	paymentID   string
	payment     payment.State
	reservation reservation.State
	event       event.State
}

func loadSettlement(tx *engine.Tx, paymentID string) (p settlement, err error) {
	p.paymentID = paymentID
	if p.payment, err = payments.Load(tx, paymentID); err != nil {
		return p, err
	}
	if !p.payment.Exists() {
		return p, noSuchPayment()
	}
	if p.reservation, err = reservations.Load(tx, p.payment.ReservationID); err != nil {
		return p, err
	}
	p.event, err = events.Load(tx, p.payment.EventID)
	return p, err
}

func decideOutcome(tx *engine.Tx, paymentID string, outcome payment.RecordOutcome, refundID string) (Paid, error) {
	p, err := loadSettlement(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	before := payments.Version(tx, paymentID)
	if _, err = payments.Decide(tx, paymentID, outcome); err != nil {
		return Paid{}, err
	}
	switch {
	case payments.Version(tx, paymentID) == before: // known already
	case outcome.Outcome == payment.OutcomeSucceeded:
		err = p.complete(tx, refundID)
	case outcome.Outcome == payment.OutcomeFailed:
		// Only a decline uses up an attempt: the customer is to blame neither for an outage nor for a payment that was given up here
		// by a process that died before it recorded that.
		err = p.endReservation(tx, reservation.FailPayment{
			PaymentID: p.paymentID, Outage: outcome.Code != payment.Declined, Reason: outcome.Reason,
		})
	}
	if err != nil {
		return Paid{}, err
	}
	paid, err := viewPaid(tx, paymentID)
	paid.unwanted = p.unwanted()
	return paid, err
}

// unwanted reports whether the payment must not be charged any more: its reservation does not wait for it, or the event was cancelled.
func (p settlement) unwanted() bool {
	return p.event.Status == event.Cancelled || p.reservation.Status != reservation.PaymentPending || p.reservation.PaymentID != p.paymentID
}

// complete completes the reservation. A payment that comes when the hold is over takes the seats back if they are still free; where the
// seats can't be given any more, or the event was cancelled, the money is given back without being asked for.
func (p settlement) complete(tx *engine.Tx, refundID string) error {
	cause := payment.CauseEventCancelled
	if p.event.Status != event.Cancelled {
		if tx.Attempt(func() error { return p.giveSeats(tx) }) == nil {
			return nil
		}
		cause = payment.CauseTooLate
	}
	_, err := payments.Decide(tx, p.paymentID, payment.RequestRefund{RefundID: refundID, Cause: cause})
	if err != nil || !p.reservation.Holding() || p.reservation.PaymentID != p.paymentID {
		return err
	}
	return p.endReservation(tx, reservation.Cancel{Reason: reasonEventCancelled, GivenUp: p.paymentID})
}

func (p settlement) giveSeats(tx *engine.Tx) error {
	confirm := inventory.Confirm{ReservationID: p.payment.ReservationID}
	if p.reservation.Status == reservation.Expired { // the others still hold theirs
		confirm.Retake = &inventory.Retake{CustomerID: p.reservation.CustomerID, Items: itemsOf(p.reservation.Seats)}
	}
	if _, err := inventories.Decide(tx, p.payment.EventID, confirm); err != nil {
		return err
	}
	_, err := reservations.Decide(tx, p.payment.ReservationID, reservation.Complete{PaymentID: p.paymentID})
	return err
}

// endReservation decides what the command means for the reservation, and frees its seats unless it still holds them.
func (p settlement) endReservation(tx *engine.Tx, c reservation.Command) error {
	after, err := reservations.Decide(tx, p.payment.ReservationID, c)
	if err == nil && p.reservation.Holding() && !after.Holding() {
		_, err = inventories.Decide(tx, p.payment.EventID, inventory.Release{ReservationID: p.payment.ReservationID})
	}
	return err
}

// itemsOf turns the seats of a reservation back into the inventory's items.
func itemsOf(seats []reservation.Seat) []inventory.Item {
	var items []inventory.Item
	for _, seat := range seats {
		i := slices.IndexFunc(items, func(item inventory.Item) bool { return item.Section == seat.Section })
		if i < 0 {
			i = len(items)
			items = append(items, inventory.Item{Section: seat.Section})
		}
		items[i].Quantity++
		if seat.Label != "" {
			items[i].Labels = append(items[i].Labels, seat.Label)
		}
	}
	return items
}
