package conformance

import (
	"errors"
	"testing"

	"ticketing/command/gateway"
	"ticketing/command/payment"
)

func testCreate(t *testing.T, s Setup) { //nolint:thelper // a test: its failures belong to its own lines
	g := s.New(t)
	t.Run("charges nothing, and twice is once", func(t *testing.T) {
		p := createPayment(t, g, 1000, s.Tokens.Charged[0])
		if p.TransactionID == "" {
			t.Fatal("no transaction id")
		}
		again, err := g.Create(callContext(t), p)
		requireOutcome(t, "create again", again, err, payment.OutcomeCreated)
		if again.TransactionID != p.TransactionID {
			t.Fatalf("created twice: %q and %q", p.TransactionID, again.TransactionID)
		}
		requireLookup(t, s.New(t), p, s.Unfinished)
	})
	t.Run("another amount under the same id is refused", func(t *testing.T) {
		p := createPayment(t, g, 1000, s.Tokens.Charged[0])
		p.Amount.Minor++
		if result, err := g.Create(callContext(t), p); err == nil {
			t.Fatalf("got %+v, want an error", result)
		}
	})
	t.Run("currencies with no and with three decimals", func(t *testing.T) {
		for _, currency := range s.Currencies {
			p := newPayment(15_000, currency, s.Tokens.Charged[0])
			result, err := g.Create(callContext(t), p)
			requireOutcome(t, currency, result, err, payment.OutcomeCreated)
		}
	})
	t.Run("what was never created is unknown", func(t *testing.T) {
		p := newPayment(1000, "EUR", s.Tokens.Charged[0])
		if result, err := g.Lookup(callContext(t), p); !errors.Is(err, gateway.ErrUnknownPayment) {
			t.Fatalf("look up: got %+v, %v; want ErrUnknownPayment", result, err)
		}
		if result, err := g.Confirm(callContext(t), p); err == nil && result.Outcome != payment.OutcomeFailed {
			t.Fatalf("confirm: got %+v, want no charge", result)
		}
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
				if result.TransactionID != p.TransactionID {
					t.Fatalf("%s: got transaction %q, want %q", what, result.TransactionID, p.TransactionID)
				}
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
				if result.Reason != reason {
					t.Fatalf("%s: got reason %q, want %q", what, result.Reason, reason)
				}
			}
			requireLookup(t, g, p, payment.OutcomeFailed)
		})
	}
	for _, token := range s.Tokens.Unknown {
		t.Run("no such token "+token, func(t *testing.T) {
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
			if result.NextAction == nil || (result.NextAction.ClientSecret == "") == (result.NextAction.RedirectURL == "") {
				t.Fatalf("got next action %+v, want exactly one", result.NextAction)
			}
			requireLookup(t, g, p, payment.OutcomeRequiresAction)
			if s.Act != nil {
				s.Act(t, *result.NextAction)
			}
			p.CardToken = "" // whoever confirms after the action does not have it
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
	t.Run("before the charge: it is never charged", func(t *testing.T) {
		p := createPayment(t, g, 2500, s.Tokens.Charged[0])
		for _, what := range []string{"cancel", "cancel again"} {
			result, err := g.Cancel(callContext(t), p)
			requireFailure(t, what, result, err, payment.Abandoned)
		}
		result, err := s.New(t).Confirm(callContext(t), p)
		requireOutcome(t, "confirm after cancel", result, err, payment.OutcomeFailed)
		requireLookup(t, g, p, payment.OutcomeFailed)
	})
	t.Run("after the charge: it says so", func(t *testing.T) {
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
	t.Run("of what was never created: it never will be", func(t *testing.T) {
		p := newPayment(2500, "EUR", s.Tokens.Charged[0])
		if result, err := g.Cancel(callContext(t), p); !errors.Is(err, gateway.ErrUnknownPayment) {
			t.Fatalf("cancel: got %+v, %v; want ErrUnknownPayment", result, err)
		}
		result, err := s.New(t).Create(callContext(t), p)
		requireFailure(t, "create after cancel", result, err, payment.Abandoned)
		p.TransactionID = result.TransactionID
		if result, err := g.Confirm(callContext(t), p); err == nil && result.Outcome != payment.OutcomeFailed {
			t.Fatalf("confirm after cancel: got %+v, want no charge", result)
		}
	})
}
