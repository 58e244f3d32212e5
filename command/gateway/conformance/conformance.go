// Package conformance is the test suite that every payment gateway passes. It holds what the write side relies on when it repeats calls,
// looks payments up later and gives them up. The gateways' own tests run it.
package conformance

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
)

// Tokens are card tokens by what the gateway under test does with them. Each list has at least one.
type Tokens struct {
	Charged        []string          // charged at once
	Declined       map[string]string // declined, with the reason that the customer reads
	RequiresAction []string          // the customer has to act first
	Unknown        []string          // no such token
}

// Setup describes the gateway under test.
type Setup struct {
	// New returns the gateway. All that it returns in one test share their payments. Required.
	New func(t *testing.T) gateway.Gateway
	// Act does what NextAction requires of the customer. Default: nothing.
	Act    func(t *testing.T, action gateway.NextAction)
	Tokens Tokens // Required.
	// Unfinished is the outcome of looking up a payment that was created and not confirmed. Default: payment.OutcomeCreated. If the
	// customer can approve it at once, it is payment.OutcomeRequiresAction.
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

func callContext(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTimeout)
	t.Cleanup(cancel)
	return ctx
}

// newPayment returns a payment that does not exist at the gateway.
func newPayment(minor int64, currency, token string) gateway.Payment {
	return gateway.Payment{
		ID: id.New(id.Payment), ReservationID: id.New(id.Reservation), CardToken: token, Amount: money.Money{Minor: minor, Currency: currency},
	}
}

// createPayment returns a payment that exists at the gateway, unconfirmed.
func createPayment(t *testing.T, g gateway.Gateway, minor int64, token string) gateway.Payment {
	t.Helper()
	p := newPayment(minor, "EUR", token)
	result, err := g.Create(callContext(t), p)
	requireOutcome(t, "create", result, err, payment.OutcomeCreated)
	p.TransactionID = result.TransactionID
	return p
}

func chargePayment(t *testing.T, s Setup, g gateway.Gateway, minor int64) gateway.Payment {
	t.Helper()
	p := createPayment(t, g, minor, s.Tokens.Charged[0])
	result, err := g.Confirm(callContext(t), p)
	requireOutcome(t, "confirm", result, err, payment.OutcomeSucceeded)
	return p
}

func requireOutcome(t *testing.T, what string, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	require.NoError(t, err, what)
	require.Equal(t, want, got.Outcome, "%s: %s", what, got.Reason)
}

// requireFailure requires a failure with this code and with a reason.
func requireFailure(t *testing.T, what string, got gateway.Result, err error, want payment.FailureCode) {
	t.Helper()
	requireOutcome(t, what, got, err, payment.OutcomeFailed)
	require.Equal(t, want, got.Code, what)
	require.NotEmpty(t, got.Reason, what)
}

// requireLookup looks a payment up by the gateway's id and by ours alone, which must agree.
func requireLookup(t *testing.T, g gateway.Gateway, p gateway.Payment, want payment.Outcome) {
	t.Helper()
	for _, transactionID := range []string{p.TransactionID, ""} {
		asked := gateway.Payment{ID: p.ID, TransactionID: transactionID, ReservationID: p.ReservationID, Amount: p.Amount}
		result, err := g.Lookup(callContext(t), asked)
		requireOutcome(t, "look up", result, err, want)
		require.Equal(t, p.TransactionID, result.TransactionID, "look up")
	}
}
