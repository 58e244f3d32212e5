package command

import (
	"cmp"
	"context"
	"errors"

	"ticketing/command/engine"
	"ticketing/command/event"
	"ticketing/command/gateway"
	"ticketing/command/inventory"
	"ticketing/command/payment"
	"ticketing/command/rejection"
	"ticketing/command/reservation"
	"ticketing/internal/id"
)

// The mutations whose idempotency keys are free again after an outage of the gateway.
const (
	processPayment = "processPayment"
	confirmPayment = "confirmPayment"
)

// ProcessPayment is a customer's request to pay a reservation.
type ProcessPayment struct {
	ReservationID string
	CardToken     string  // a gateway token such as "pm_card_visa"
	PayPal        *PayPal `json:",omitempty"`
}

// PayPal is where a customer who pays by redirect comes back to.
type PayPal struct{ ReturnURL, CancelURL string }

// method returns how the customer pays; "" when they did not say.
func (p ProcessPayment) method() string {
	switch {
	case p.PayPal != nil:
		return "paypal"
	case p.CardToken != "":
		return "card"
	}
	return ""
}

// ProcessPayment pays a reservation: it appends that a payment begins, creates it at the gateway unconfirmed, appends the gateway's
// id, confirms, and appends the outcome together with what it means for the reservation and its seats. So the gateway can be asked at any
// later time what became of it. A decline returns both the objects and a rejection.
func (s *Service) ProcessPayment(ctx context.Context, by Caller, in ProcessPayment) (Paid, error) {
	var gw gateway.Gateway // none where no method is given: what costs nothing needs none
	if method := in.method(); method != "" {
		var err error
		if gw, err = s.gateways.Pick(method); err != nil {
			return Paid{}, err
		}
	}
	paymentID := id.New(id.Payment)
	var replayed bool
	paid, err := giveUpAndRetry(ctx, s, by, func(givesUp bool) (paid Paid, err error) {
		paid, replayed, err = executeOnce(ctx, s, by, action[Paid]{
			mutation: processPayment, input: in, ref: Paid.ref, streams: []string{reservations.Stream(in.ReservationID)},
			decide: func(tx *engine.Tx) (Paid, error) {
				return s.decidePayment(tx, by, beginning{paymentID, gw, givesUp}, in)
			},
			replay:   func(ctx context.Context, ref string) (Paid, error) { return s.replayPayment(ctx, by, ref) },
			outdated: isOutage,
		})
		return paid, err
	})
	switch {
	case err != nil:
		return Paid{}, err
	case replayed || paid.Payment == nil:
		return paid, failureOf(paid)
	}
	// From here on the customer may hang up: what was begun is brought to its end.
	return s.payAtGateway(context.WithoutCancel(ctx), by, gw, paid, in)
}

// beginning is how a payment begins.
type beginning struct {
	paymentID string
	gateway   gateway.Gateway // none where no method is given
	givesUp   bool            // another payment that waits for the customer
}

func (s *Service) decidePayment(tx *engine.Tx, by Caller, b beginning, in ProcessPayment) (Paid, error) {
	r, err := reservations.Load(tx, in.ReservationID)
	if err != nil {
		return Paid{}, err
	}
	if err := by.owns(r); err != nil {
		return Paid{}, err
	}
	e, err := events.Load(tx, r.EventID)
	if err != nil {
		return Paid{}, err
	}
	if r.Holding() && e.Status == event.Cancelled {
		return Paid{}, rejection.New(rejection.InvalidState, "the event was cancelled")
	}
	if r.Total.Minor == 0 {
		return completeFree(tx, in.ReservationID)
	}
	if b.givesUp && b.gateway != nil {
		if err := waitingPayment(tx, r); err != nil {
			return Paid{}, err
		}
	}
	if r, err = reservations.Decide(tx, in.ReservationID, reservation.RequestPayment{PaymentID: b.paymentID, Hold: s.hold}); err != nil {
		return Paid{}, err
	}
	if b.gateway == nil {
		return Paid{}, rejection.New(rejection.Invalid, "a payment method is needed: %s is to be paid", r.Total).At("method")
	}
	_, err = payments.Create(tx, b.paymentID, payment.Process{
		ReservationID: in.ReservationID, CustomerID: r.CustomerID, EventID: r.EventID, Amount: r.Total, Gateway: b.gateway.Name(),
		Method: in.method(),
	})
	if err != nil {
		return Paid{}, err
	}
	return viewPaid(tx, b.paymentID)
}

// completeFree completes a reservation of total 0 without a gateway.
func completeFree(tx *engine.Tx, reservationID string) (Paid, error) {
	r, err := reservations.Decide(tx, reservationID, reservation.Complete{})
	if err != nil {
		return Paid{}, err
	}
	if _, err := inventories.Decide(tx, r.EventID, inventory.Confirm{ReservationID: reservationID}); err != nil {
		return Paid{}, err
	}
	return Paid{Reservation: viewReservation(tx, reservationID, r)}, nil
}

// payAtGateway brings a payment that was begun to its end at the gateway. No lock or transaction is held meanwhile.
func (s *Service) payAtGateway(ctx context.Context, by Caller, gw gateway.Gateway, paid Paid, in ProcessPayment) (Paid, error) {
	p := atGateway(*paid.Payment)
	p.CardToken = in.CardToken
	if in.PayPal != nil {
		p.ReturnURL, p.CancelURL = in.PayPal.ReturnURL, in.PayPal.CancelURL
	}
	created, err := gw.Create(ctx, p)
	if err != nil {
		return s.recordOutage(ctx, by, paid, err) // whatever became of the call: what is unconfirmed is never charged
	}
	recorded, err := s.recordOutcome(ctx, by, paid.Payment.ID, outcomeOf(created))
	if err != nil || created.Outcome != payment.OutcomeCreated {
		return withAction(recorded, created), cmp.Or(err, failureOf(recorded))
	}
	switch {
	case recorded.Payment.Status != payment.Processing:
		return recorded, failureOf(recorded) // given up meanwhile: it must not be confirmed
	case recorded.unwanted:
		recorded = s.giveUpUnwanted(ctx, by, recorded)
		return recorded, failureOf(recorded)
	}
	p.TransactionID = created.TransactionID
	confirmed, err := gw.Confirm(ctx, p)
	switch {
	case errors.Is(err, gateway.ErrUnavailable):
		return s.recordOutage(ctx, by, recorded, err)
	case err != nil: // it may have been charged: PROCESSING, until the reconciler knows
		s.logger.WarnContext(ctx, "the outcome of a payment is not known yet", "payment", p.ID, "gateway", gw.Name(), "error", err)
		return recorded, nil
	}
	recorded, err = s.recordOutcome(ctx, by, p.ID, outcomeOf(confirmed))
	return withAction(recorded, confirmed), cmp.Or(err, failureOf(recorded))
}

// recordOutage records that the gateway could not be reached and certainly did not charge. It uses up no attempt, and frees
// the idempotency key (isOutage): the customer is meant to try again.
func (s *Service) recordOutage(ctx context.Context, by Caller, paid Paid, cause error) (Paid, error) {
	s.logger.WarnContext(ctx, "the payment gateway is unavailable", "payment", paid.Payment.ID, "gateway", paid.Payment.Gateway, "error", cause)
	recorded, err := s.recordOutcome(ctx, by, paid.Payment.ID, payment.RecordOutcome{
		Outcome: payment.OutcomeFailed, Code: payment.GatewayUnavailable, Reason: "The payment service could not be reached. You were not charged.",
	})
	return recorded, cmp.Or(err, failureOf(recorded))
}

// replayPayment returns what a retry returns: a payment as it is now, or the reservation that cost nothing. It takes a turn in the write
// loop: the first try may have ended with a commit that was not acknowledged, of the payment's outcome, and the retry must wait for it.
func (s *Service) replayPayment(ctx context.Context, by Caller, ref string) (Paid, error) {
	if id.Prefix(ref) == id.Reservation {
		r, err := s.replayReservation(ctx, ref)
		return Paid{Reservation: r}, err
	}
	paid, err := execute(ctx, s, by, "viewPayment", []string{payments.Stream(ref)}, func(tx *engine.Tx) (Paid, error) { return viewPaid(tx, ref) })
	if err != nil || paid.Payment.Status != payment.RequiresAction {
		return paid, err
	}
	gw, err := s.gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return paid, err
	}
	result, err := gw.Lookup(ctx, atGateway(*paid.Payment))
	if err != nil {
		s.logger.WarnContext(ctx, "could not look up the next action of a payment", "payment", ref, "gateway", gw.Name(), "error", err)
		return paid, nil
	}
	return withAction(paid, result), nil
}

// failureOf returns the rejection that the customer gets for a failed payment, beside the objects.
func failureOf(p Paid) error {
	if p.Payment == nil {
		return nil
	}
	if p.Payment.Status != payment.Failed {
		return p.unusedPayment()
	}
	if p.Payment.FailureCode == payment.GatewayUnavailable {
		return rejection.New(rejection.GatewayUnavailable, "%s Please try again.", p.Payment.FailureReason)
	}
	return rejection.New(rejection.PaymentDeclined, "%s", p.Payment.FailureReason)
}

// unusedPayment returns the rejection for a payment that was charged while its event was cancelled, or after its seats were given away: the
// customer gets the money back, and must not think that they have tickets.
func (p Paid) unusedPayment() error {
	if p.Reservation.CompletedAt != nil {
		return nil
	}
	for _, r := range p.Payment.Refunds {
		switch r.Cause {
		case payment.CauseRequested:
		case payment.CauseEventCancelled:
			return rejection.New(rejection.InvalidState, "The event was cancelled. Your payment is given back.")
		case payment.CauseTooLate:
			return rejection.New(rejection.ReservationExpired, "The seats are no longer available. Your payment is given back.")
		}
	}
	return nil
}

func withAction(p Paid, r gateway.Result) Paid {
	if p.Payment != nil && p.Payment.Status == payment.RequiresAction {
		p.NextAction = r.NextAction
	}
	return p
}

func atGateway(p Payment) gateway.Payment {
	return gateway.Payment{ID: p.ID, TransactionID: p.TransactionID, ReservationID: p.ReservationID, Amount: p.Amount}
}

func outcomeOf(r gateway.Result) payment.RecordOutcome {
	return payment.RecordOutcome{Outcome: r.Outcome, TransactionID: r.TransactionID, Code: r.Code, Reason: r.Reason}
}
