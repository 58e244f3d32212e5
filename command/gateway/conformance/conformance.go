// Package conformance is the one suite that every payment gateway passes: what the write side relies on when it tells a gateway
// everything twice, asks it later, and gives payments up. It is run from the gateway's own tests.
package conformance

import (
	"context"
	"testing"
	"time"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// Tokens are card tokens with which the gateway under test behaves in a certain way. Each list has at least one.
type Tokens struct {
	Charged        []string          // charged at once
	Declined       map[string]string // declined, with the reason that the customer reads
	RequiresAction []string          // the customer has to act first
	Unknown        []string          // no such token
}

// Setup is what the suite needs of a gateway.
type Setup struct {
	// New answers the gateway under test; two that it answers in one test see the same payments.
	New func(t *testing.T) gateway.Gateway
	// Act does what NextAction asks of the customer; nil where nothing is to be done.
	Act    func(t *testing.T, action gateway.NextAction)
	Tokens Tokens
	// Unfinished is how a payment is looked up that was created and not confirmed. Default: payment.OutcomeCreated. Where the customer
	// can approve it at once, it is payment.OutcomeRequiresAction.
	Unfinished payment.Outcome
	// Currencies with other than two decimals that the gateway takes. Default: JPY and KWD.
	Currencies []string
}

// Run runs the suite.
func Run(t *testing.T, s Setup) {
	t.Helper()
	if s.Unfinished == "" {
		s.Unfinished = payment.OutcomeCreated
	}
	if s.Currencies == nil {
		s.Currencies = []string{"JPY", "KWD"}
	}
	for _, test := range []struct {
		name string
		run  func(t *testing.T, s Setup)
	}{
		{"create", testCreate},
		{"charge", testCharge},
		{"decline", testDecline},
		{"action", testAction},
		{"cancel", testCancel},
		{"refund", testRefund},
		{"races", testRaces},
	} {
		t.Run(test.name, func(t *testing.T) { test.run(t, s) })
	}
}

const callTimeout = 30 * time.Second

// callContext is a context for one test's calls.
func callContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	t.Cleanup(cancel)
	return ctx
}

// newPayment answers a payment that no gateway has heard of.
func newPayment(minor int64, currency, token string) gateway.Payment {
	return gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), CardToken: token, Amount: money.Money{Minor: minor, Currency: currency},
	}
}

// createPayment answers a payment that exists at the gateway, unconfirmed.
func createPayment(t *testing.T, g gateway.Gateway, minor int64, token string) gateway.Payment {
	t.Helper()
	p := newPayment(minor, "EUR", token)
	result, err := g.Create(callContext(t), p)
	requireOutcome(t, "create", result, err, payment.OutcomeCreated)
	p.TransactionID = result.TransactionID
	return p
}

// chargePayment answers a payment that was charged.
func chargePayment(t *testing.T, s Setup, g gateway.Gateway, minor int64) gateway.Payment {
	t.Helper()
	p := createPayment(t, g, minor, s.Tokens.Charged[0])
	result, err := g.Confirm(callContext(t), p)
	requireOutcome(t, "confirm", result, err, payment.OutcomeSucceeded)
	return p
}

func requireOutcome(t *testing.T, what string, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
	if got.Outcome != want {
		t.Fatalf("%s: got outcome %q (%s), want %q", what, got.Outcome, got.Reason, want)
	}
}

// requireFailure also wants the code, and a reason that can be shown.
func requireFailure(t *testing.T, what string, got gateway.Result, err error, want payment.FailureCode) {
	t.Helper()
	requireOutcome(t, what, got, err, payment.OutcomeFailed)
	if got.Code != want || got.Reason == "" {
		t.Fatalf("%s: got failure %q, reason %q; want %q with a reason", what, got.Code, got.Reason, want)
	}
}

// requireLookup asks by the gateway's id and by ours alone, which must agree.
func requireLookup(t *testing.T, g gateway.Gateway, p gateway.Payment, want payment.Outcome) {
	t.Helper()
	for _, transactionID := range []string{p.TransactionID, ""} {
		asked := gateway.Payment{ID: p.ID, TransactionID: transactionID, ReservationID: p.ReservationID, Amount: p.Amount}
		result, err := g.Lookup(callContext(t), asked)
		requireOutcome(t, "look up", result, err, want)
		if result.TransactionID != p.TransactionID {
			t.Fatalf("look up: got transaction %q, want %q", result.TransactionID, p.TransactionID)
		}
	}
}
