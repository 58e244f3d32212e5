package command

import (
	"context"
	"slices"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// settle records what the gateway said of a payment, with all that it means for the reservation and its seats, in one append.
func (s *Service) settle(ctx context.Context, by Caller, paymentID string, outcome payment.RecordOutcome) (Paid, error) {
	return s.settleAnd(ctx, by, paymentID, outcome, nil)
}

// settleAnd also forgets an idempotency key, whose outcome was "try again".
func (s *Service) settleAnd(ctx context.Context, by Caller, paymentID string, outcome payment.RecordOutcome, release *engine.Key) (Paid, error) {
	refundID := id.New(id.Refund)
	result, err := s.Engine.Execute(ctx, engine.Request{
		Metadata: by.metadata(), Streams: []string{payment.Stream(paymentID)}, Release: release,
		Decide: func(tx *engine.Tx) (engine.Decided, error) {
			paid, err := decideSettle(tx, paymentID, outcome, refundID)
			return engine.Decided{Value: paid}, err
		},
	})
	if err != nil {
		return Paid{}, err
	}
	return result.Value.(Paid), nil //nolint:forcetypeassert // what Decide above answered
}

// purchase is all that is decided together when a payment is settled.
type purchase struct {
	paymentID   string
	payment     payment.State
	reservation reservation.State
	stock       inventory.State
	occasion    event.State
}

func loadPurchase(tx *engine.Tx, paymentID string) (p purchase, err error) {
	p.paymentID = paymentID
	if p.payment, err = engine.Load[payment.State](tx, payment.Stream(paymentID)); err != nil {
		return p, err
	}
	if !p.payment.Exists() {
		return p, rejection.New(rejection.NotFound, "there is no such payment").At("paymentId")
	}
	if p.reservation, err = engine.Load[reservation.State](tx, reservation.Stream(p.payment.ReservationID)); err != nil {
		return p, err
	}
	if p.stock, err = engine.Load[inventory.State](tx, inventory.Stream(p.payment.EventID)); err != nil {
		return p, err
	}
	p.occasion, err = engine.Load[event.State](tx, event.Stream(p.payment.EventID))
	return p, err
}

// consequences are the domain events of one decision, by stream.
type consequences struct {
	payment     []payment.DomainEvent
	reservation []reservation.DomainEvent
	inventory   []inventory.DomainEvent
}

func (p purchase) append(tx *engine.Tx, c consequences) Paid {
	reservationID := p.payment.ReservationID
	view := viewPayment(tx, p.paymentID, engine.Append[payment.State](tx, payment.Stream(p.paymentID), c.payment))
	engine.Append[inventory.State](tx, inventory.Stream(p.payment.EventID), c.inventory)
	r := engine.Append[reservation.State](tx, reservation.Stream(reservationID), c.reservation)
	return Paid{Payment: &view, Reservation: viewReservation(tx, reservationID, r)}
}

func decideSettle(tx *engine.Tx, paymentID string, outcome payment.RecordOutcome, refundID string) (Paid, error) {
	p, err := loadPurchase(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	recorded, err := payment.Decide(p.payment, outcome, tx.Now)
	if err != nil {
		return Paid{}, err
	}
	c := consequences{payment: recorded}
	switch {
	case len(recorded) == 0: // known already
	case outcome.Outcome == payment.OutcomeSucceeded:
		c, err = p.paid(tx, recorded, refundID)
	case outcome.Outcome == payment.OutcomeFailed:
		c, err = p.failed(tx, recorded, outcome)
	}
	if err != nil {
		return Paid{}, err
	}
	return p.append(tx, c), nil
}

// paid completes the reservation. A payment that comes when the hold is over takes the seats back if they are still free; where the
// seats can't be given any more, or the event was cancelled, the money goes back by itself.
func (p purchase) paid(tx *engine.Tx, recorded []payment.DomainEvent, refundID string) (consequences, error) {
	if p.occasion.Status != event.Cancelled {
		completed, notCompleted := reservation.Decide(p.reservation, reservation.Complete{PaymentID: p.paymentID}, tx.Now)
		confirmed, notConfirmed := inventory.Decide(p.stock, p.confirm(), tx.Now)
		if notCompleted == nil && notConfirmed == nil {
			return consequences{payment: recorded, reservation: completed, inventory: confirmed}, nil
		}
	}
	c, err := p.giveBack(tx, recorded, refundID)
	if err != nil || !p.reservation.Holding() || p.reservation.PaymentID != p.paymentID {
		return c, err
	}
	return p.end(tx, c, reservation.Cancel{Reason: reasonEventCancelled, GivenUp: p.paymentID})
}

// confirm takes the seats of an expired reservation back; the other reservations hold theirs.
func (p purchase) confirm() inventory.Confirm {
	c := inventory.Confirm{ReservationID: p.payment.ReservationID}
	if p.reservation.Status == reservation.Expired {
		c.Retake = &inventory.Retake{CustomerID: p.reservation.CustomerID, Items: itemsOf(p.reservation.Seats)}
	}
	return c
}

func (p purchase) giveBack(tx *engine.Tx, recorded []payment.DomainEvent, refundID string) (consequences, error) {
	after := p.payment
	for _, domainEvent := range recorded {
		after = payment.Evolve(after, domainEvent)
	}
	cause := payment.CauseTooLate
	if p.occasion.Status == event.Cancelled {
		cause = payment.CauseEventCancelled
	}
	refund, err := payment.Decide(after, payment.RequestRefund{RefundID: refundID, Cause: cause}, tx.Now)
	return consequences{payment: slices.Concat(recorded, refund)}, err
}

// failed gives the reservation another attempt, or compensates it and frees its seats. Only a decline uses an attempt up: neither an
// outage is the customer's fault, nor that the payment was given up here by somebody who did not live to record it.
func (p purchase) failed(tx *engine.Tx, recorded []payment.DomainEvent, outcome payment.RecordOutcome) (consequences, error) {
	return p.end(tx, consequences{payment: recorded}, reservation.FailPayment{
		PaymentID: p.paymentID, Outage: outcome.Code != payment.Declined, Reason: outcome.Reason,
	})
}

// end adds what the command means for the reservation, and frees its seats unless it goes on holding them.
func (p purchase) end(tx *engine.Tx, c consequences, command reservation.Command) (consequences, error) {
	var err error
	if c.reservation, err = reservation.Decide(p.reservation, command, tx.Now); err != nil {
		return c, err
	}
	after := p.reservation
	for _, domainEvent := range c.reservation {
		after = reservation.Evolve(after, domainEvent)
	}
	if p.reservation.Holding() && !after.Holding() {
		c.inventory, err = inventory.Decide(p.stock, inventory.Release{ReservationID: p.payment.ReservationID}, tx.Now)
	}
	return c, err
}

// itemsOf turns the seats of a reservation back into what the inventory knows.
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

// paid answers a payment and its reservation as they are now.
func (s *Service) paid(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	return execute(ctx, s, by, []string{payment.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return loadPaid(tx, paymentID)
	})
}

func loadPaid(tx *engine.Tx, paymentID string) (Paid, error) {
	p, err := loadPurchase(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	view := viewPayment(tx, paymentID, p.payment)
	return Paid{Payment: &view, Reservation: viewReservation(tx, p.payment.ReservationID, p.reservation)}, nil
}
