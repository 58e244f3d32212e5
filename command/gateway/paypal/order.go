package paypal

import (
	"slices"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

// The states and intents of an order.
const (
	statusApproved = "APPROVED"
	statusVoided   = "VOIDED"
	intentOpen     = "CAPTURE"
	intentClosed   = "AUTHORIZE" // see the package comment
	declinedMark   = "declined"  // the description of a declined order
)

const declined = "PayPal declined the payment."

// order is an order of PayPal's, as far as it is used here.
type order struct {
	ID            string         `json:"id,omitempty"`
	Status        string         `json:"status,omitempty"`
	Intent        string         `json:"intent"`
	PurchaseUnits []purchaseUnit `json:"purchase_units"`
	PaymentSource *paymentSource `json:"payment_source,omitempty"`
	Links         []link         `json:"links,omitempty"`
}

type purchaseUnit struct {
	ReferenceID string   `json:"reference_id"`
	CustomID    string   `json:"custom_id"`
	InvoiceID   string   `json:"invoice_id"`
	Description string   `json:"description,omitempty"`
	Amount      amount   `json:"amount"`
	Payments    payments `json:"payments,omitzero"`
}

type payments struct {
	Captures []capture `json:"captures,omitempty"`
	Refunds  []refund  `json:"refunds,omitempty"`
}

type capture struct {
	ID     string `json:"id"`
	Status string `json:"status"`
}

type link struct {
	Rel  string `json:"rel"`
	Href string `json:"href"`
}

type paymentSource struct {
	PayPal wallet `json:"paypal"`
}

type wallet struct {
	ExperienceContext experience `json:"experience_context"`
}

type experience struct {
	ReturnURL          string `json:"return_url"`
	CancelURL          string `json:"cancel_url"`
	UserAction         string `json:"user_action"`
	ShippingPreference string `json:"shipping_preference"`
}

type patch struct {
	Op    string `json:"op"`
	Path  string `json:"path"`
	Value string `json:"value"`
}

// newOrder returns the request for an order. Our id is its invoice id, so that PayPal, too, refuses a second charge.
func newOrder(p gateway.Payment, value amount) order {
	o := order{
		Intent:        intentOpen,
		PurchaseUnits: []purchaseUnit{{ReferenceID: "default", CustomID: p.ID, InvoiceID: p.ID, Amount: value}},
	}
	if p.ReturnURL != "" {
		o.PaymentSource = &paymentSource{PayPal: wallet{ExperienceContext: experience{
			ReturnURL: p.ReturnURL, CancelURL: p.CancelURL, UserAction: "PAY_NOW", ShippingPreference: "NO_SHIPPING",
		}}}
	}
	return o
}

// purchaseUnit returns the order's only purchase unit.
func (o order) purchaseUnit() purchaseUnit {
	if len(o.PurchaseUnits) == 0 {
		return purchaseUnit{}
	}
	return o.PurchaseUnits[0]
}

// lastCapture returns the order's capture, if there is one.
func (o order) lastCapture() (capture, bool) {
	if captures := o.purchaseUnit().Payments.Captures; len(captures) > 0 {
		return captures[len(captures)-1], true
	}
	return capture{}, false
}

// isOpen reports whether the order can still be captured.
func (o order) isOpen() bool {
	_, captured := o.lastCapture()
	return !captured && o.Intent == intentOpen && o.Status != statusVoided
}

func (o order) toResult() gateway.Result {
	result := gateway.Result{TransactionID: o.ID}
	c, captured := o.lastCapture()
	switch {
	case captured && slices.Contains([]string{"COMPLETED", "REFUNDED", "PARTIALLY_REFUNDED"}, c.Status):
		result.Outcome = payment.OutcomeSucceeded
	case captured && c.Status == "PENDING":
		result.Outcome = payment.OutcomeProcessing
	case captured, !o.isOpen() && o.purchaseUnit().Description == declinedMark:
		return gateway.Declined(o.ID, declined)
	case !o.isOpen():
		return gateway.Abandoned(o.ID)
	default:
		result.Outcome, result.NextAction = payment.OutcomeRequiresAction, o.nextAction()
	}
	return result
}

// nextAction returns the page on which the customer approves the order; nil if it is approved.
func (o order) nextAction() *gateway.NextAction {
	if o.Status == statusApproved {
		return nil
	}
	for _, l := range o.Links {
		if l.Rel == "payer-action" || l.Rel == "approve" {
			return &gateway.NextAction{RedirectURL: l.Href}
		}
	}
	return nil
}
