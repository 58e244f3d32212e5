package stripetest

import (
	"net/url"
	"strconv"
)

type refund struct {
	id       string
	intent   *intent
	amount   int64
	status   string
	metadata map[string]string
}

type dispute struct {
	id     string
	intent *intent
	status string
}

func (s *Server) createRefund(form url.Values) response {
	i := s.intents[form.Get("payment_intent")]
	if i == nil {
		return refuseUnknown("payment_intent", "No such payment_intent")
	}
	amount, err := strconv.ParseInt(form.Get("amount"), 10, 64)
	left := i.amount - s.refundedUnits(i)
	switch {
	case err != nil || amount <= 0:
		return refuseInvalid("parameter_invalid_integer", "amount", "Invalid integer")
	case i.status != "succeeded":
		return refuseInvalid("", "payment_intent", "This PaymentIntent does not have a successful charge to refund.")
	case s.isDisputed(i):
		return refuseInvalid("charge_disputed", "", "The charge has been charged back")
	case left == 0:
		return refuseInvalid("charge_already_refunded", "", "The charge has already been refunded.")
	case amount > left:
		return refuseInvalid("", "amount", "Refund amount is greater than unrefunded amount on charge")
	}
	return succeed(s.makeRefund(i, amount, metadataOf(form)).toObject())
}

func (s *Server) makeRefund(i *intent, amount int64, metadata map[string]string) *refund {
	r := &refund{id: newID("re"), intent: i, amount: amount, status: "succeeded", metadata: metadata}
	if i.card.refund != "" {
		r.status = i.card.refund
	}
	s.refunds = append(s.refunds, r)
	s.emitEvent("refund.created", r.toObject())
	if r.status == "succeeded" {
		s.emitEvent("charge.refunded", s.chargeObject(i))
	}
	return r
}

// refundedUnits returns what is or will be refunded of a payment.
func (s *Server) refundedUnits(i *intent) (units int64) {
	for _, r := range s.refunds {
		if r.intent == i && r.status != "failed" && r.status != "canceled" {
			units += r.amount
		}
	}
	return units
}

func (s *Server) isDisputed(i *intent) bool {
	for _, d := range s.disputes {
		if d.intent == i && d.status != "won" {
			return true
		}
	}
	return false
}

func (s *Server) refundsOf(i *intent) []object {
	all := []object{}
	for n := len(s.refunds) - 1; n >= 0; n-- { // newest first
		if r := s.refunds[n]; r.intent == i {
			all = append(all, r.toObject())
		}
	}
	return all
}

func (s *Server) disputesOf(i *intent) []object {
	all := []object{}
	for _, d := range s.disputes {
		if d.intent == i {
			all = append(all, d.toObject())
		}
	}
	return all
}

func (s *Server) chargeObject(i *intent) object {
	return object{
		"id": i.chargeID, "object": "charge", "amount": i.amount, "amount_refunded": s.refundedUnits(i), "currency": i.currency,
		"payment_intent": i.id, "metadata": i.metadata, "disputed": s.isDisputed(i), "refunded": s.refundedUnits(i) == i.amount,
		"billing_details": object{"email": "card.holder@example.com", "name": "Card Holder"},
	}
}

func (r *refund) toObject() object {
	return object{
		"id": r.id, "object": "refund", "amount": r.amount, "currency": r.intent.currency, "payment_intent": r.intent.id,
		"charge": r.intent.chargeID, "status": r.status, "metadata": r.metadata,
	}
}

func (d *dispute) toObject() object {
	return object{
		"id": d.id, "object": "dispute", "amount": d.intent.amount, "currency": d.intent.currency, "payment_intent": d.intent.id,
		"charge": d.intent.chargeID, "status": d.status, "reason": "product_not_received", "metadata": object{},
	}
}
