package command

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"golang.org/x/sync/errgroup"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// windUpParallel is how many reservations of a cancelled event are wound up at once: the engine makes batches of them.
const windUpParallel = 64

// reasonEventCancelled tells the customer why their reservation was cancelled.
const reasonEventCancelled = "the event was cancelled"

// ErrRefundPending says that the gateway will tell later what becomes of a refund.
var ErrRefundPending = errors.New("the refund is pending at the gateway")

// ExecuteRefund has the gateway give the money of a requested refund back and records it. A payment that is given back in full ends
// its reservation and frees the seats in the same append.
func (s *Service) ExecuteRefund(ctx context.Context, by Caller, paymentID, refundID string) error {
	paid, err := s.paid(ctx, by, paymentID)
	if err != nil {
		return err
	}
	refunding, err := viewRefunding(*paid.Payment, refundID)
	if err != nil || refunding.Refund.Status != payment.RefundPending || refunding.Refund.Reported {
		return err
	}
	gw, err := s.Gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return err
	}
	result, err := gw.Refund(ctx, gateway.Refund{ID: refundID, TransactionID: paid.Payment.TransactionID, Amount: refunding.Refund.Amount})
	if err != nil {
		return fmt.Errorf("refund %s at %s: %w", refundID, gw.Name(), err)
	}
	if result.Pending {
		return ErrRefundPending
	}
	_, err = execute(ctx, s, by, []string{payment.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		return decideReversed(tx, paymentID, payment.RecordRefund{RefundID: refundID, Failed: result.Failed, Reason: result.Reason})
	})
	return err
}

// Holders answers the reservations that hold or bought something of an event. They are found through the inventory, not a read table.
func (s *Service) Holders(ctx context.Context, by Caller, eventID string) (reservationIDs []string, err error) {
	return execute(ctx, s, by, eventStreams(eventID), func(tx *engine.Tx) ([]string, error) {
		stock, err := engine.Load[inventory.State](tx, inventory.Stream(eventID))
		return slices.Sorted(maps.Keys(stock.Holdings)), err
	})
}

// WindUpEvent ends all reservations of a cancelled event: holds are cancelled (payments at the gateway given up first), completed
// ones are refunded. It is idempotent and can stop anywhere; an error says that something has to be tried again.
func (s *Service) WindUpEvent(ctx context.Context, by Caller, eventID string) error {
	reservationIDs, err := s.Holders(ctx, by, eventID)
	if err != nil {
		return err
	}
	var g errgroup.Group // without a context: one payment that is stuck must not keep the others from their refunds
	g.SetLimit(windUpParallel)
	for _, reservationID := range reservationIDs {
		g.Go(func() error { return s.windUp(ctx, by, reservationID) })
	}
	if err := g.Wait(); err != nil {
		return fmt.Errorf("wind up event %s: %w", eventID, err)
	}
	return nil
}

func (s *Service) windUp(ctx context.Context, by Caller, reservationID string) error {
	refundID := id.New(id.Refund)
	cancel := reservation.Cancel{Reason: reasonEventCancelled}
	r, err := execute(ctx, s, by, []string{reservation.Stream(reservationID)}, func(tx *engine.Tx) (Reservation, error) {
		r, err := engine.Load[reservation.State](tx, reservation.Stream(reservationID))
		if err != nil {
			return Reservation{}, err
		}
		occasion, err := engine.Load[event.State](tx, event.Stream(r.EventID))
		switch {
		case err != nil:
			return Reservation{}, err
		case occasion.Status != event.Cancelled:
			return Reservation{}, rejection.New(rejection.InvalidState, "the event is not cancelled")
		case r.Status == reservation.SeatsReserved:
			return endHold(tx, reservationID, r, cancel)
		case r.Status == reservation.Completed && r.PaymentID == "":
			return endHold(tx, reservationID, r, reservation.Refund{})
		case r.Status == reservation.Completed:
			return viewReservation(tx, reservationID, r), requestFullRefund(tx, r.PaymentID, refundID, payment.CauseEventCancelled)
		}
		return viewReservation(tx, reservationID, r), nil
	})
	if err != nil || r.Status != reservation.PaymentPending {
		return err
	}
	cancel.GivenUp = r.PaymentID
	return s.giveUp(ctx, by, r.PaymentID, cancel)
}

// requestFullRefund asks for all that is left of a payment, once; of one that is disputed, when the dispute is won.
func requestFullRefund(tx *engine.Tx, paymentID, refundID string, cause payment.RefundCause) error {
	p, err := engine.Load[payment.State](tx, payment.Stream(paymentID))
	if err != nil || p.RefundableMinor() == 0 || p.Disputed() {
		return err
	}
	requested, err := payment.Decide(p, payment.RequestRefund{RefundID: refundID, Cause: cause}, tx.Now)
	if err != nil {
		return err
	}
	engine.Append[payment.State](tx, payment.Stream(paymentID), requested)
	return nil
}
