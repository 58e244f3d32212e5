package sandbox

import (
	"crypto/rand"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/money"
)

// status is the state of a payment.
type status string

const (
	created        status = "created"
	requiresAction status = "requires_action"
	succeeded      status = "succeeded"
	failed         status = "failed"
	cancelled      status = "cancelled"
)

// paymentRow is a row of sandbox_payments.
type paymentRow struct {
	paymentID     string
	transactionID *string // nil: cancelled before it was created
	status        status
	minor         *int64
	currency      *string
	token         *string
	clientSecret  *string
	redirectURL   *string
	reason        *string
}

func newPaymentRow(p gateway.Payment) paymentRow {
	transactionID := "sbx_" + rand.Text()
	return paymentRow{
		paymentID: p.ID, transactionID: &transactionID, status: created, minor: &p.Amount.Minor, currency: &p.Amount.Currency,
	}
}

// cancelledRow is a payment that was cancelled before it was created.
func cancelledRow(p gateway.Payment) paymentRow {
	return paymentRow{paymentID: p.ID, status: cancelled}
}

// tokenRule returns the rule of the token that the payment was confirmed with.
func (r *paymentRow) tokenRule() rule {
	if r.token == nil {
		return rule{}
	}
	found, _ := ruleOf(*r.token)
	return found
}

func (r *paymentRow) chargedAmount() money.Money {
	return money.Money{Minor: *r.minor, Currency: *r.currency}
}

// confirm moves the payment one step on: to the customer's action, or to a final state, which a second call does not change. It reports
// whether the response gets lost.
func (r *paymentRow) confirm(token, returnURL string) (lost bool) {
	switch r.status {
	case created:
		return r.confirmFirst(token, returnURL)
	case requiresAction: // the customer has authenticated
		r.charge(r.tokenRule())
	case succeeded, failed, cancelled:
	}
	return false
}

func (r *paymentRow) confirmFirst(token, returnURL string) (lost bool) {
	rule, known := ruleOf(token)
	switch {
	case token == "" && returnURL != "":
		r.status, r.redirectURL = requiresAction, &returnURL
		return false
	case !known: // it is not quoted in the reason, since it may be a secret
		reason := "The payment method is unknown: there is no such test token."
		r.status, r.reason = failed, &reason
		return false
	}
	r.token = &token
	if rule.action {
		secret := *r.transactionID + "_secret_" + rand.Text()
		r.status, r.clientSecret = requiresAction, &secret
		return false
	}
	r.charge(rule)
	return rule.lost
}

func (r *paymentRow) charge(rule rule) {
	if rule.decline != "" {
		r.status, r.reason = failed, &rule.decline
		return
	}
	r.status = succeeded
}

// cancel cancels a payment that is not in a final state.
func (r *paymentRow) cancel() {
	if r.status == created || r.status == requiresAction {
		r.status = cancelled
	}
}

func (r *paymentRow) toResult() gateway.Result {
	var transactionID string
	if r.transactionID != nil {
		transactionID = *r.transactionID
	}
	result := gateway.Result{TransactionID: transactionID}
	switch r.status {
	case created:
		result.Outcome = payment.OutcomeCreated
	case requiresAction:
		result.Outcome, result.NextAction = payment.OutcomeRequiresAction, r.nextAction()
	case succeeded:
		result.Outcome = payment.OutcomeSucceeded
	case failed:
		return gateway.Declined(transactionID, *r.reason)
	case cancelled:
		return gateway.Abandoned(transactionID)
	}
	return result
}

func (r *paymentRow) nextAction() *gateway.NextAction {
	if r.redirectURL != nil {
		return &gateway.NextAction{RedirectURL: *r.redirectURL}
	}
	return &gateway.NextAction{ClientSecret: *r.clientSecret}
}
