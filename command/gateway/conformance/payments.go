package conformance

import (
	"testing"

	"github.com/stretchr/testify/require"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

func testCreate(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("charges nothing, and a second call changes nothing", func(t *testing.T) {
		p := createPayment(t, g, 1000, s.Tokens.Charged[0])
		require.NotEmpty(t, p.TransactionID)
		again, err := g.Create(callContext(t), p)
		requireOutcome(t, "create again", again, err, payment.OutcomeCreated)
		require.Equal(t, p.TransactionID, again.TransactionID)
		requireLookup(t, s.New(t), p, s.Unfinished)
	})
	t.Run("another amount under the same id is refused", func(t *testing.T) {
		p := createPayment(t, g, 1000, s.Tokens.Charged[0])
		p.Amount.Minor++
		_, err := g.Create(callContext(t), p)
		require.Error(t, err)
	})
	t.Run("currencies with no and with three decimals", func(t *testing.T) {
		for _, currency := range s.Currencies {
			p := newPayment(15_000, currency, s.Tokens.Charged[0])
			result, err := g.Create(callContext(t), p)
			requireOutcome(t, currency, result, err, payment.OutcomeCreated)
		}
	})
	t.Run("a payment that was never created is unknown", func(t *testing.T) {
		p := newPayment(1000, "EUR", s.Tokens.Charged[0])
		_, err := g.Lookup(callContext(t), p)
		require.ErrorIs(t, err, gateway.ErrUnknownPayment)
		requireNoCharge(t, g, p)
	})
}

func testCharge(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	for _, token := range s.Tokens.Charged {
		t.Run(token, func(t *testing.T) {
			p := createPayment(t, g, 2500, token)
			for _, what := range []string{"confirm", "confirm again"} {
				result, err := g.Confirm(callContext(t), p)
				requireOutcome(t, what, result, err, payment.OutcomeSucceeded)
				require.Equal(t, p.TransactionID, result.TransactionID, what)
			}
			requireLookup(t, s.New(t), p, payment.OutcomeSucceeded)
		})
	}
}

func testDecline(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	for token, reason := range s.Tokens.Declined {
		t.Run(token, func(t *testing.T) {
			p := createPayment(t, g, 2500, token)
			for _, what := range []string{"confirm", "confirm again"} {
				result, err := g.Confirm(callContext(t), p)
				requireFailure(t, what, result, err, payment.Declined)
				require.Equal(t, reason, result.Reason, what)
			}
			requireLookup(t, g, p, payment.OutcomeFailed)
		})
	}
	for _, token := range s.Tokens.Unknown {
		t.Run("unknown token "+token, func(t *testing.T) {
			p := newPayment(2500, "EUR", token)
			result, err := g.Create(callContext(t), p)
			if err == nil && result.Outcome == payment.OutcomeCreated {
				p.TransactionID = result.TransactionID
				result, err = g.Confirm(callContext(t), p)
			}
			requireFailure(t, "pay", result, err, payment.Declined)
		})
	}
}

func testAction(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	for _, token := range s.Tokens.RequiresAction {
		t.Run(token, func(t *testing.T) {
			p := createPayment(t, g, 2500, token)
			result, err := g.Confirm(callContext(t), p)
			requireOutcome(t, "confirm", result, err, payment.OutcomeRequiresAction)
			require.NotNil(t, result.NextAction)
			require.NotEqual(t, result.NextAction.ClientSecret == "", result.NextAction.RedirectURL == "", "one of the two is set")
			requireLookup(t, g, p, payment.OutcomeRequiresAction)
			if s.Act != nil {
				s.Act(t, *result.NextAction)
			}
			p.CardToken = "" // a later confirmation does not have it
			result, err = s.New(t).Confirm(callContext(t), p)
			requireOutcome(t, "confirm after the action", result, err, payment.OutcomeSucceeded)
			requireLookup(t, g, p, payment.OutcomeSucceeded)
		})
		t.Run(token+" given up", func(t *testing.T) {
			p := createPayment(t, g, 2500, token)
			result, err := g.Confirm(callContext(t), p)
			requireOutcome(t, "confirm", result, err, payment.OutcomeRequiresAction)
			result, err = g.Cancel(callContext(t), p)
			requireFailure(t, "cancel", result, err, payment.Abandoned)
			result, err = g.Confirm(callContext(t), p)
			requireOutcome(t, "confirm after cancel", result, err, payment.OutcomeFailed)
		})
	}
}

func testCancel(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("before the charge prevents it", func(t *testing.T) {
		p := createPayment(t, g, 2500, s.Tokens.Charged[0])
		for _, what := range []string{"cancel", "cancel again"} {
			result, err := g.Cancel(callContext(t), p)
			requireFailure(t, what, result, err, payment.Abandoned)
		}
		result, err := s.New(t).Confirm(callContext(t), p)
		requireOutcome(t, "confirm after cancel", result, err, payment.OutcomeFailed)
		requireLookup(t, g, p, payment.OutcomeFailed)
	})
	t.Run("after the charge returns that it was charged", func(t *testing.T) {
		p := chargePayment(t, s, g, 2500)
		result, err := g.Cancel(callContext(t), p)
		requireOutcome(t, "cancel", result, err, payment.OutcomeSucceeded)
		requireLookup(t, g, p, payment.OutcomeSucceeded)
	})
	t.Run("after a decline", func(t *testing.T) {
		for token := range s.Tokens.Declined {
			p := createPayment(t, g, 2500, token)
			result, err := g.Confirm(callContext(t), p)
			requireOutcome(t, "confirm", result, err, payment.OutcomeFailed)
			result, err = g.Cancel(callContext(t), p)
			requireOutcome(t, "cancel", result, err, payment.OutcomeFailed)
		}
	})
	t.Run("by our id alone", func(t *testing.T) {
		p := createPayment(t, g, 2500, s.Tokens.Charged[0])
		asked := p
		asked.TransactionID, asked.CardToken = "", ""
		result, err := g.Cancel(callContext(t), asked)
		requireFailure(t, "cancel", result, err, payment.Abandoned)
		requireLookup(t, g, p, payment.OutcomeFailed)
	})
	t.Run("of a payment that was never created prevents it", func(t *testing.T) {
		p := newPayment(2500, "EUR", s.Tokens.Charged[0])
		_, err := g.Cancel(callContext(t), p)
		require.ErrorIs(t, err, gateway.ErrUnknownPayment)
		result, err := s.New(t).Create(callContext(t), p)
		requireFailure(t, "create after cancel", result, err, payment.Abandoned)
		p.TransactionID = result.TransactionID
		requireNoCharge(t, g, p)
	})
}

// requireNoCharge requires that confirming fails or returns an error.
func requireNoCharge(t *testing.T, g gateway.Gateway, p gateway.Payment) {
	t.Helper()
	if result, err := g.Confirm(callContext(t), p); err == nil {
		require.Equal(t, payment.OutcomeFailed, result.Outcome)
	}
}
