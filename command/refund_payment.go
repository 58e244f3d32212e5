package command

import (
	"context"
	"slices"
	"strconv"
	"strings"

	"ticketing/command/engine"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// RefundPayment is an organizer's or admin's request to give a customer's money back.
type RefundPayment struct {
	PaymentID string
	Amount    *money.Money // nil: all that is left
	Tickets   []string     `json:",omitempty"` // ids of tickets to refund instead of an amount
	Reason    string
}

// Refunding is a payment with the refund that was requested.
type Refunding struct {
	Payment Payment
	Refund  payment.Refund
}

// ref remembers both: the payment alone does not say which of its refunds it was.
func (r Refunding) ref() string { return r.Payment.ID + "/" + r.Refund.ID }

// RefundPayment requests a refund. From here on it counts against what is left; the saga has the gateway carry it out.
func (s *Service) RefundPayment(ctx context.Context, by Caller, in RefundPayment) (Refunding, error) {
	refundID := id.New(id.Refund)
	reasonID, err := s.keepReason(ctx, by, "refundPayment", in.Reason, func(ctx context.Context) (string, error) {
		p, err := s.readPayment(ctx, in.PaymentID)
		return p.CustomerID, err
	})
	if err != nil {
		return Refunding{}, err
	}
	refunding, _, err := executeOnce(ctx, s, by, action[Refunding]{
		mutation: "refundPayment", input: in, ref: Refunding.ref, streams: []string{payments.Stream(in.PaymentID)},
		decide: func(tx *engine.Tx) (Refunding, error) { return decideRefund(tx, by, refundID, reasonID, in) },
		replay: s.replayRefunding,
	})
	return refunding, err
}

func (s *Service) replayRefunding(ctx context.Context, ref string) (Refunding, error) {
	paymentID, refundID, _ := strings.Cut(ref, "/")
	p, err := s.readPayment(ctx, paymentID)
	if err != nil {
		return Refunding{}, err
	}
	return viewRefunding(p, refundID)
}

func decideRefund(tx *engine.Tx, by Caller, refundID, reasonID string, in RefundPayment) (Refunding, error) {
	p, err := payments.Load(tx, in.PaymentID)
	if err != nil {
		return Refunding{}, err
	}
	e, err := events.Load(tx, p.EventID)
	if err != nil {
		return Refunding{}, err
	}
	if err := by.mayRefund(p, e); err != nil {
		return Refunding{}, err
	}
	tickets, err := findTickets(tx, p, in.Tickets)
	if err != nil {
		return Refunding{}, err
	}
	p, err = payments.Decide(tx, in.PaymentID, payment.RequestRefund{
		RefundID: refundID, Amount: in.Amount, Tickets: tickets, Cause: payment.CauseRequested, Reason: reasonID,
	})
	if err != nil {
		return Refunding{}, err
	}
	return viewRefunding(viewPayment(tx, in.PaymentID, p), refundID)
}

// findTickets returns the tickets of a payment's reservation that have these ids.
func findTickets(tx *engine.Tx, p payment.State, ticketIDs []string) ([]payment.Ticket, error) {
	if len(ticketIDs) == 0 {
		return nil, nil
	}
	r, err := reservations.Load(tx, p.ReservationID)
	if err != nil {
		return nil, err
	}
	if p.CompletedAt != nil && r.Status != reservation.Completed {
		return nil, rejection.New(rejection.InvalidState, "the tickets of a reservation that is %s cannot be refunded", r.Status).At("tickets")
	}
	ordinals := make(map[string]int, len(r.Seats))
	for ordinal := range r.Seats {
		ordinals[id.Ticket(p.ReservationID, ordinal)] = ordinal
	}
	tickets := make([]payment.Ticket, len(ticketIDs))
	for i, ticketID := range ticketIDs {
		ordinal, ok := ordinals[ticketID]
		switch {
		case !ok:
			return nil, rejection.New(rejection.NotFound, "the payment paid for no such ticket").At("tickets", strconv.Itoa(i))
		case slices.Index(ticketIDs, ticketID) < i:
			return nil, rejection.New(rejection.Invalid, "the ticket is listed twice").At("tickets", strconv.Itoa(i))
		case r.HasReturned(ordinal):
			return nil, rejection.New(rejection.InvalidState, "the ticket was refunded already").At("tickets", strconv.Itoa(i))
		}
		tickets[i] = payment.Ticket{Ordinal: ordinal, Section: r.Seats[ordinal].Section, Price: r.Seats[ordinal].Price}
	}
	return tickets, nil
}

// requestFullRefund requests all that is left of a payment, once; of one that is disputed, only after the dispute is won.
func requestFullRefund(tx *engine.Tx, paymentID, refundID string, cause payment.RefundCause) error {
	p, err := payments.Load(tx, paymentID)
	if err != nil || p.RefundableMinor() == 0 || p.Disputed() {
		return err
	}
	_, err = payments.Decide(tx, paymentID, payment.RequestRefund{RefundID: refundID, Cause: cause})
	return err
}

func viewRefunding(p Payment, refundID string) (Refunding, error) {
	refund, ok := p.Refund(refundID)
	if !ok {
		return Refunding{}, rejection.New(rejection.NotFound, "there is no such refund").At("refundId")
	}
	return Refunding{Payment: p, Refund: refund}, nil
}
