package command

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// Hint is what a gateway's webhook says: that there may be news of a payment.
type Hint struct {
	Gateway   string
	PaymentID string
	Reversals bool // also refunds and disputes
}

// ErrNotOurs says that a hint is about no payment of ours at this gateway.
var ErrNotOurs = errors.New("the gateway has no such payment of ours")

// RecordWebhook asks the gateway about the payment and applies what it says, forward only. So a hint may come twice, late, out of order, or
// before the call that it is about has returned. The error is ErrNotOurs if there is no such payment.
func (s *Service) RecordWebhook(ctx context.Context, by Caller, h Hint) error {
	p, err := s.readPayment(ctx, h.PaymentID)
	if rejected, ok := rejection.As(err); ok && rejected.Code == rejection.NotFound || err == nil && p.Gateway != h.Gateway {
		return fmt.Errorf("%w: %s of %s", ErrNotOurs, h.PaymentID, h.Gateway)
	}
	if err != nil {
		return err
	}
	gw, err := s.gateways.ByName(h.Gateway)
	if err != nil {
		return err
	}
	if p.CompletedAt == nil {
		if p, err = s.refreshPayment(ctx, by, gw, p); err != nil {
			return err
		}
	}
	if !h.Reversals || p.CompletedAt == nil {
		return nil
	}
	return s.recordReversals(ctx, by, gw, p)
}

// refreshPayment records the gateway's state of a payment. One that was only created is left alone: the process that created it is still at
// work. One that the customer has approved is confirmed: they think that they have paid, and may never come back.
func (s *Service) refreshPayment(ctx context.Context, by Caller, gw gateway.Gateway, p Payment) (Payment, error) {
	result, err := gw.Lookup(ctx, atGateway(p))
	if err == nil && result.Outcome == payment.OutcomeRequiresAction && result.NextAction == nil && p.Status == payment.RequiresAction {
		if paid, err := s.viewUndecided(ctx, by, p.ID); err != nil || paid.unwanted {
			return *cmp.Or(paid.Payment, &p), err // the reconciler or the end of the hold gives it up
		}
		result, err = gw.Confirm(ctx, atGateway(p))
	}
	switch {
	case errors.Is(err, gateway.ErrUnknownPayment), err == nil && result.Outcome == payment.OutcomeCreated:
		return p, nil
	case err != nil:
		return Payment{}, fmt.Errorf("look up payment %s at %s: %w", p.ID, gw.Name(), err)
	}
	paid, err := s.recordOutcome(ctx, by, p.ID, outcomeOf(result))
	if err != nil {
		return Payment{}, err
	}
	return *paid.Payment, nil
}

// recordReversals records all refunds and disputes of a payment that the gateway knows. Each is judged alone: one that is refused does not keep
// the others from being recorded.
func (s *Service) recordReversals(ctx context.Context, by Caller, gw gateway.Gateway, p Payment) error {
	reversals, err := gw.Reversals(ctx, atGateway(p))
	if err != nil {
		return fmt.Errorf("read the reversals of payment %s at %s: %w", p.ID, gw.Name(), err)
	}
	// What failed comes first: only without it there is room for what was given instead.
	slices.SortStableFunc(reversals, func(a, b gateway.Reversal) int { return cmp.Compare(recordingTurn(a), recordingTurn(b)) })
	var errs []error
	for _, r := range reversals {
		lost := false
		err := s.recordReversal(ctx, by, p.ID, func(known payment.State) (c payment.Command) {
			c, lost = recordOf(known, gw.Name(), r)
			return c
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("record reversal %s of payment %s: %w", r.ID, p.ID, err))
		} else if lost {
			s.logger.WarnContext(ctx, "a refund that the log does not know is recorded as the gateway reports it", "payment", p.ID, "refund", r.RefundID)
		}
	}
	return errors.Join(errs...)
}

func recordingTurn(r gateway.Reversal) int {
	if r.Status == gateway.ReversalFailed {
		return 0
	}
	return 1
}

// recordOf returns the command that records a reversal; nil when there is nothing to record yet. A refund that was requested here, and that the
// log lost in a restore, is one of the gateway's own.
func recordOf(known payment.State, gatewayName string, r gateway.Reversal) (c payment.Command, lost bool) {
	if r.Dispute {
		status := map[gateway.ReversalStatus]payment.DisputeStatus{
			gateway.ReversalPending: payment.DisputeOpen, gateway.ReversalDone: payment.DisputeLost, gateway.ReversalFailed: payment.DisputeWon,
		}[r.Status]
		return payment.RecordDispute{DisputeID: r.ID, Amount: r.Amount, Reason: r.Reason, Status: status}, false
	}
	if _, ok := known.Refund(r.RefundID); ok {
		if r.Status == gateway.ReversalPending {
			return nil, false
		}
		return payment.RecordRefund{RefundID: r.RefundID, Attempt: r.Attempt, Failed: r.Status == gateway.ReversalFailed, Reason: r.Reason}, false
	}
	status := map[gateway.ReversalStatus]payment.RefundStatus{
		gateway.ReversalPending: payment.RefundPending, gateway.ReversalDone: payment.RefundCompleted, gateway.ReversalFailed: payment.RefundRefused,
	}[r.Status]
	report := payment.ReportRefund{RefundID: id.Derive(id.Refund, gatewayName+"/"+r.ID), Amount: r.Amount, Status: status, Reason: r.Reason}
	_, reported := known.Refund(report.RefundID)
	return report, r.RefundID != "" && !reported
}

// recordReversal records what the gateway says of a reversal; commandFor returns nil when there is nothing to record.
func (s *Service) recordReversal(ctx context.Context, by Caller, paymentID string, commandFor func(payment.State) payment.Command) error {
	_, err := execute(ctx, s, by, "recordReversal", []string{payments.Stream(paymentID)}, func(tx *engine.Tx) (Paid, error) {
		known, err := payments.Load(tx, paymentID)
		if err != nil {
			return Paid{}, err
		}
		if c := commandFor(known); c != nil {
			err = decideReversal(tx, paymentID, c)
		}
		if err != nil {
			return Paid{}, err
		}
		return viewPaid(tx, paymentID)
	})
	return err
}

// decideReversal records a reversal. A payment that is given back in full, by refunds or by disputes that were lost, ends its reservation and
// frees the seats in the same append, and a refund of single tickets frees theirs; a payment whose dispute is won after its event was cancelled
// is refunded to the customer.
func decideReversal(tx *engine.Tx, paymentID string, c payment.Command) error {
	p, err := loadSettlement(tx, paymentID)
	if err != nil {
		return err
	}
	after, err := payments.Decide(tx, paymentID, c)
	if err != nil || p.reservation.Status != reservation.Completed || p.reservation.PaymentID != paymentID {
		return err
	}
	refund, ended := endedRefund(p.payment, after, c)
	switch {
	case after.GivenBack():
		return p.refundReservation(tx)
	case ended && len(refund.Tickets) > 0:
		return p.returnTickets(tx, refund)
	case p.payment.Disputed() && !after.Disputed() && p.event.Status == event.Cancelled:
		return requestFullRefund(tx, paymentID, id.Derive(id.Refund, paymentID+"/dispute won"), payment.CauseEventCancelled)
	}
	return nil
}

// endedRefund returns the refund that the command has completed.
func endedRefund(before, after payment.State, c payment.Command) (refund payment.Refund, ended bool) {
	record, ok := c.(payment.RecordRefund)
	if !ok {
		return refund, false
	}
	was, _ := before.Refund(record.RefundID)
	refund, _ = after.Refund(record.RefundID)
	return refund, refund.Status == payment.RefundCompleted && was.Status != payment.RefundCompleted
}

func (p settlement) refundReservation(tx *engine.Tx) error {
	if _, err := inventories.Decide(tx, p.payment.EventID, inventory.Release{ReservationID: p.payment.ReservationID}); err != nil {
		return err
	}
	_, err := reservations.Decide(tx, p.payment.ReservationID, reservation.Refund{PaymentID: p.paymentID})
	return err
}

// returnTickets voids the tickets that a refund was for, and frees their seats; without a ticket left the reservation ends.
func (p settlement) returnTickets(tx *engine.Tx, refund payment.Refund) error {
	ordinals := make([]int, len(refund.Tickets))
	for i, t := range refund.Tickets {
		ordinals[i] = t.Ordinal
	}
	after, err := reservations.Decide(tx, p.payment.ReservationID, reservation.ReturnTickets{
		PaymentID: p.paymentID, RefundID: refund.ID, Ordinals: ordinals,
	})
	if err != nil {
		return err
	}
	if len(after.KeptSeats()) == 0 {
		return p.refundReservation(tx)
	}
	var freed []reservation.Seat
	for _, ordinal := range ordinals {
		if !p.reservation.HasReturned(ordinal) {
			freed = append(freed, after.Seats[ordinal])
		}
	}
	if len(freed) == 0 {
		return nil
	}
	_, err = inventories.Decide(tx, p.payment.EventID, inventory.Release{ReservationID: p.payment.ReservationID, Items: itemsOf(freed)})
	return err
}
