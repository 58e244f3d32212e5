package command

import (
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

// processPayment is the mutation whose idempotency key an outage releases.
const processPayment = "processPayment"

// ProcessPayment is a customer's wish to pay a reservation.
type ProcessPayment struct {
	ReservationID string
	CardToken     string  // a gateway token such as "pm_card_visa"
	PayPal        *PayPal `json:",omitempty"`
}

// PayPal is where a customer who pays by redirect comes back to.
type PayPal struct{ ReturnURL, CancelURL string }

// method answers how the customer wants to pay; "" when they did not say.
func (p ProcessPayment) method() string {
	switch {
	case p.PayPal != nil:
		return "paypal"
	case p.CardToken != "":
		return "card"
	}
	return ""
}

// Paid is where a payment and its reservation stand. Payment is nil when there was nothing to pay.
type Paid struct {
	Payment     *Payment
	Reservation Reservation
	NextAction  *gateway.NextAction
}

func (p Paid) ref() string {
	if p.Payment == nil {
		return p.Reservation.ID
	}
	return p.Payment.ID
}

// ProcessPayment pays a reservation: it appends that a payment begins, creates it at the gateway unconfirmed, appends the gateway's
// id, confirms, and appends the outcome together with what it means for the reservation and its seats. Whoever comes later can
// therefore always ask the gateway what became of it. A decline is answered with both the objects and a rejection.
func (s *Service) ProcessPayment(ctx context.Context, by Caller, in ProcessPayment) (Paid, error) {
	var gw gateway.Gateway // none where no method is given: what costs nothing needs none
	if method := in.method(); method != "" {
		var err error
		if gw, err = s.Gateways.Pick(method); err != nil {
			return Paid{}, err
		}
	}
	paymentID := id.New(id.Payment)
	paid, replayed, err := run(ctx, s, by, action[Paid]{
		mutation: processPayment, input: in, ref: Paid.ref, streams: []string{reservation.Stream(in.ReservationID)},
		decide: func(tx *engine.Tx) (Paid, error) { return s.decidePayment(tx, by, paymentID, gw, in) },
		replay: func(ctx context.Context, ref string) (Paid, error) { return s.paidAsItIsNow(ctx, by, ref) },
	})
	switch {
	case err != nil:
		return Paid{}, err
	case replayed || paid.Payment == nil:
		return paid, failure(paid)
	}
	// From here on the customer may hang up: what was begun is brought to its end.
	return s.charge(context.WithoutCancel(ctx), by, gw, paid, in)
}

func (s *Service) decidePayment(tx *engine.Tx, by Caller, paymentID string, gw gateway.Gateway, in ProcessPayment) (Paid, error) {
	r, err := engine.Load[reservation.State](tx, reservation.Stream(in.ReservationID))
	if err != nil {
		return Paid{}, err
	}
	if err := by.owns(r); err != nil {
		return Paid{}, err
	}
	occasion, err := engine.Load[event.State](tx, event.Stream(r.EventID))
	if err != nil {
		return Paid{}, err
	}
	if r.Holding() && occasion.Status == event.Cancelled {
		return Paid{}, rejection.New(rejection.InvalidState, "the event was cancelled")
	}
	if r.Total.Minor == 0 {
		return completeFree(tx, in.ReservationID, r)
	}
	requested, err := reservation.Decide(r, reservation.RequestPayment{PaymentID: paymentID, Hold: s.Hold}, tx.Now)
	if err != nil {
		return Paid{}, err
	}
	if gw == nil {
		return Paid{}, rejection.New(rejection.Invalid, "a payment method is needed: %s is to be paid", r.Total).At("method")
	}
	initiated, err := payment.Decide(payment.State{}, payment.Process{
		ReservationID: in.ReservationID, CustomerID: r.CustomerID, EventID: r.EventID, Amount: r.Total, Gateway: gw.Name(), Method: in.method(),
	}, tx.Now)
	if err != nil {
		return Paid{}, err
	}
	if err := engine.Create(tx, payment.Stream(paymentID)); err != nil {
		return Paid{}, err
	}
	r = engine.Append[reservation.State](tx, reservation.Stream(in.ReservationID), requested)
	p := viewPayment(tx, paymentID, engine.Append[payment.State](tx, payment.Stream(paymentID), initiated))
	return Paid{Payment: &p, Reservation: viewReservation(tx, in.ReservationID, r)}, nil
}

// completeFree completes a reservation of total 0 without a gateway.
func completeFree(tx *engine.Tx, reservationID string, r reservation.State) (Paid, error) {
	stock, err := engine.Load[inventory.State](tx, inventory.Stream(r.EventID))
	if err != nil {
		return Paid{}, err
	}
	completed, err := reservation.Decide(r, reservation.Complete{}, tx.Now)
	if err != nil {
		return Paid{}, err
	}
	confirmed, err := inventory.Decide(stock, inventory.Confirm{ReservationID: reservationID}, tx.Now)
	if err != nil {
		return Paid{}, err
	}
	engine.Append[inventory.State](tx, inventory.Stream(r.EventID), confirmed)
	r = engine.Append[reservation.State](tx, reservation.Stream(reservationID), completed)
	return Paid{Reservation: viewReservation(tx, reservationID, r)}, nil
}

// charge takes a payment that was begun through the gateway. No lock or transaction is held meanwhile.
func (s *Service) charge(ctx context.Context, by Caller, gw gateway.Gateway, paid Paid, in ProcessPayment) (Paid, error) {
	p := atGateway(*paid.Payment)
	p.CardToken = in.CardToken
	if in.PayPal != nil {
		p.ReturnURL, p.CancelURL = in.PayPal.ReturnURL, in.PayPal.CancelURL
	}
	created, err := gw.Create(ctx, p)
	if err != nil {
		return s.outage(ctx, by, paid, err) // whatever became of the call: what is unconfirmed is never charged
	}
	recorded, err := s.settle(ctx, by, paid.Payment.ID, outcomeOf(created))
	if err != nil || created.Outcome != payment.OutcomeCreated {
		return withAction(recorded, created), either(err, failure(recorded))
	}
	if recorded.Payment.Status != payment.Processing {
		return recorded, failure(recorded) // given up meanwhile: it must not be confirmed
	}
	p.TransactionID = created.TransactionID
	confirmed, err := gw.Confirm(ctx, p)
	switch {
	case errors.Is(err, gateway.ErrUnavailable):
		return s.outage(ctx, by, recorded, err)
	case err != nil: // it may have been charged: PROCESSING, until the reconciler knows
		s.Logger.WarnContext(ctx, "the outcome of a payment is not known yet", "payment", p.ID, "gateway", gw.Name(), "error", err)
		return recorded, nil
	}
	recorded, err = s.settle(ctx, by, p.ID, outcomeOf(confirmed))
	return withAction(recorded, confirmed), either(err, failure(recorded))
}

// outage records that the gateway could not be reached and certainly did not charge. It uses up no attempt, and the idempotency key
// is free again: the customer is meant to try again.
func (s *Service) outage(ctx context.Context, by Caller, paid Paid, cause error) (Paid, error) {
	s.Logger.WarnContext(ctx, "the payment gateway is unavailable", "payment", paid.Payment.ID, "gateway", paid.Payment.Gateway, "error", cause)
	key, err := by.key(processPayment, nil)
	if err != nil {
		return Paid{}, err
	}
	recorded, err := s.settleAnd(ctx, by, paid.Payment.ID, payment.RecordOutcome{
		Outcome: payment.OutcomeFailed, Code: payment.GatewayUnavailable, Reason: "The payment service could not be reached. You were not charged.",
	}, key)
	return recorded, either(err, failure(recorded))
}

// ConfirmPayment goes on with a payment after the customer did what its next action asked.
func (s *Service) ConfirmPayment(ctx context.Context, by Caller, paymentID string) (Paid, error) {
	paid, replayed, err := run(ctx, s, by, action[Paid]{
		mutation: "confirmPayment", input: paymentID, ref: Paid.ref, streams: []string{payment.Stream(paymentID)},
		decide: func(tx *engine.Tx) (Paid, error) { return decideConfirm(tx, by, paymentID) },
		replay: func(ctx context.Context, ref string) (Paid, error) { return s.paidAsItIsNow(ctx, by, ref) },
	})
	if err != nil {
		return Paid{}, err
	}
	if replayed || !paid.Payment.Undecided() {
		return paid, failure(paid)
	}
	ctx = context.WithoutCancel(ctx)
	gw, err := s.Gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return Paid{}, err
	}
	ask := gw.Lookup
	if paid.Payment.Status == payment.RequiresAction {
		ask = gw.Confirm
	}
	result, err := ask(ctx, atGateway(*paid.Payment))
	if err != nil {
		s.Logger.WarnContext(ctx, "the outcome of a payment is not known yet", "payment", paymentID, "gateway", gw.Name(), "error", err)
		return paid, nil
	}
	recorded, err := s.settle(ctx, by, paymentID, outcomeOf(result))
	return withAction(recorded, result), either(err, failure(recorded))
}

func decideConfirm(tx *engine.Tx, by Caller, paymentID string) (Paid, error) {
	paid, err := loadPaid(tx, paymentID)
	if err != nil {
		return Paid{}, err
	}
	if by.Actor != paid.Payment.CustomerID {
		return Paid{}, rejection.New(rejection.Forbidden, "this is somebody else's payment")
	}
	if paid.Payment.Undecided() && !tx.Now.Before(paid.Reservation.ExpiresAt) {
		return Paid{}, rejection.New(rejection.ReservationExpired, "the time to pay this reservation is over")
	}
	return paid, nil
}

// paidAsItIsNow answers a retry: of a payment, or of a reservation that cost nothing.
func (s *Service) paidAsItIsNow(ctx context.Context, by Caller, ref string) (Paid, error) {
	if id.Prefix(ref) == id.Reservation {
		r, err := s.reservation(ctx, by, ref)
		return Paid{Reservation: r}, err
	}
	paid, err := s.paid(ctx, by, ref)
	if err != nil || paid.Payment.Status != payment.RequiresAction {
		return paid, err
	}
	gw, err := s.Gateways.ByName(paid.Payment.Gateway)
	if err != nil {
		return paid, err
	}
	result, err := gw.Lookup(ctx, atGateway(*paid.Payment))
	if err != nil {
		s.Logger.WarnContext(ctx, "could not ask for a payment's next action", "payment", ref, "gateway", gw.Name(), "error", err)
		return paid, nil
	}
	return withAction(paid, result), nil
}

// failure is what the customer is told of a payment that failed, beside the objects.
func failure(p Paid) error {
	if p.Payment == nil || p.Payment.Status != payment.Failed {
		return nil
	}
	if p.Payment.FailureCode == payment.GatewayUnavailable {
		return rejection.New(rejection.GatewayUnavailable, "%s Please try again.", p.Payment.FailureReason)
	}
	return rejection.New(rejection.PaymentDeclined, "%s", p.Payment.FailureReason)
}

func either(err, other error) error {
	if err != nil {
		return err
	}
	return other
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
