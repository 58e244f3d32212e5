package command

import (
	"context"
	"errors"
	"fmt"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// Hint is what a gateway's webhook says: that there may be something new of a payment.
type Hint struct {
	Gateway   string
	PaymentID string
	Reversals bool // also refunds and disputes
}

// HearOfPayment follows a hint: the gateway itself is asked, and what it says is applied forward only. So a hint may come twice, late, out of
// order, or before the call that it is about has returned. A rejection of code NOT_FOUND says that there is no such payment of the gateway.
func (s *Service) HearOfPayment(ctx context.Context, by Caller, h Hint) error {
	paid, err := s.paid(ctx, by, h.PaymentID)
	if err != nil {
		return err
	}
	if paid.Payment.Gateway != h.Gateway {
		return rejection.New(rejection.NotFound, "there is no such payment of %s", h.Gateway).At("paymentId")
	}
	gw, err := s.Gateways.ByName(h.Gateway)
	if err != nil {
		return err
	}
	if paid.Payment.CompletedAt == nil {
		if paid, err = s.catchUp(ctx, by, gw, paid); err != nil {
			return err
		}
	}
	if !h.Reversals || paid.Payment.CompletedAt == nil {
		return nil
	}
	return s.recordReversals(ctx, by, gw, *paid.Payment)
}

// catchUp records how a payment stands at the gateway. One that was only created is still being begun by somebody: it is left alone. One of
// which the customer has done their part there is confirmed: they think that they have paid, and may never come back.
func (s *Service) catchUp(ctx context.Context, by Caller, gw gateway.Gateway, paid Paid) (Paid, error) {
	result, err := gw.Lookup(ctx, atGateway(*paid.Payment))
	if err == nil && result.Outcome == payment.OutcomeRequiresAction && result.NextAction == nil && paid.Payment.Status == payment.RequiresAction {
		result, err = gw.Confirm(ctx, atGateway(*paid.Payment))
	}
	switch {
	case errors.Is(err, gateway.ErrUnknownPayment), err == nil && result.Outcome == payment.OutcomeCreated:
		return paid, nil
	case err != nil:
		return Paid{}, fmt.Errorf("look up payment %s at %s: %w", paid.Payment.ID, gw.Name(), err)
	}
	return s.settle(ctx, by, paid.Payment.ID, outcomeOf(result))
}

// recordReversals records what was taken back of a payment, by whomever.
func (s *Service) recordReversals(ctx context.Context, by Caller, gw gateway.Gateway, p Payment) error {
	reversals, err := gw.Reversals(ctx, atGateway(p))
	if err != nil {
		return fmt.Errorf("read the reversals of payment %s at %s: %w", p.ID, gw.Name(), err)
	}
	var errs []error // one that makes no sense keeps nobody from the others
	for _, r := range reversals {
		record := recordOf(gw.Name(), r)
		if record == nil {
			continue
		}
		_, err := execute(ctx, s, by, []string{payment.Stream(p.ID)}, func(tx *engine.Tx) (Paid, error) {
			return decideReversed(tx, p.ID, record)
		})
		if err != nil {
			errs = append(errs, fmt.Errorf("record reversal %s of payment %s: %w", r.ID, p.ID, err))
		}
	}
	return errors.Join(errs...)
}

// recordOf answers the command that writes a reversal down; nil when there is nothing to write yet.
func recordOf(gatewayName string, r gateway.Reversal) payment.Command {
	switch {
	case r.Dispute:
		status := map[gateway.ReversalStatus]payment.DisputeStatus{
			gateway.ReversalPending: payment.DisputeOpen, gateway.ReversalDone: payment.DisputeLost, gateway.ReversalFailed: payment.DisputeWon,
		}[r.Status]
		return payment.RecordDispute{DisputeID: r.ID, Amount: r.Amount, Reason: r.Reason, Status: status}
	case r.RefundID == "":
		status := map[gateway.ReversalStatus]payment.RefundStatus{
			gateway.ReversalPending: payment.RefundPending, gateway.ReversalDone: payment.RefundCompleted, gateway.ReversalFailed: payment.RefundRefused,
		}[r.Status]
		return payment.ReportRefund{RefundID: id.Derive(id.Refund, gatewayName+"/"+r.ID), Amount: r.Amount, Status: status, Reason: r.Reason}
	case r.Status != gateway.ReversalPending:
		return payment.RecordRefund{RefundID: r.RefundID, Failed: r.Status == gateway.ReversalFailed, Reason: r.Reason}
	}
	return nil
}

// decideReversed writes down what was taken back of a payment. One that is given back in full ends its reservation and frees the seats in the
// same append; one whose dispute is won after its event was cancelled goes back to the customer.
func decideReversed(tx *engine.Tx, paymentID string, record payment.Command) (Paid, error) {
	p, err := loadPurchase(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	var c consequences
	if c.payment, err = payment.Decide(p.payment, record, tx.Now); err != nil {
		return Paid{}, err
	}
	after := p.payment
	for _, domainEvent := range c.payment {
		after = payment.Evolve(after, domainEvent)
	}
	stands := p.reservation.Status == reservation.Completed && p.reservation.PaymentID == paymentID
	switch {
	case stands && after.Status == payment.Refunded:
		if c.reservation, err = reservation.Decide(p.reservation, reservation.Refund{PaymentID: paymentID}, tx.Now); err != nil {
			return Paid{}, err
		}
		if c.inventory, err = inventory.Decide(p.stock, inventory.Release{ReservationID: p.payment.ReservationID}, tx.Now); err != nil {
			return Paid{}, err
		}
	case stands && p.payment.Disputed() && !after.Disputed() && p.occasion.Status == event.Cancelled:
		view := p.append(tx, c)
		return view, requestFullRefund(tx, paymentID, id.Derive(id.Refund, paymentID+"/dispute won"), payment.CauseEventCancelled)
	}
	return p.append(tx, c), nil
}
