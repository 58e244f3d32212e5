package sandbox_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"

	"ticketing/command/gateway"
	"ticketing/command/gateway/conformance"
	"ticketing/command/gateway/sandbox"
	"ticketing/command/payment"
	"ticketing/internal/id"
	"ticketing/internal/money"
	"ticketing/internal/testenv"
)

func newPool(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool, err := pgxpool.New(t.Context(), testenv.EventsDatabase(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

func TestConformance(t *testing.T) {
	pool := newPool(t)
	conformance.Run(t, conformance.Setup{
		New: func(*testing.T) gateway.Gateway { return sandbox.New(pool) },
		Tokens: conformance.Tokens{
			Charged: []string{"pm_card_visa", "tok_visa", "pm_card_mastercard", "tok_mastercard", "pm_card_amex", "tok_amex"},
			Declined: map[string]string{
				"pm_card_chargeDeclined":                       "Your card was declined.",
				"tok_chargeDeclined":                           "Your card was declined.",
				"pm_card_visa_chargeDeclined":                  "Your card was declined.",
				"pm_card_chargeDeclinedInsufficientFunds":      "Your card has insufficient funds.",
				"tok_visa_chargeDeclinedInsufficientFunds":     "Your card has insufficient funds.",
				"pm_card_visa_chargeDeclinedExpiredCard":       "Your card has expired.",
				"pm_card_visa_chargeDeclinedIncorrectCvc":      "Your card's security code is incorrect.",
				"pm_card_chargeDeclinedStolenCard":             "Your card was declined.",
				"pm_card_visa_chargeDeclinedLostCard":          "Your card was declined.",
				"tok_visa_chargeDeclinedVelocityLimitExceeded": "Your card was declined for making repeated attempts too frequently.",
			},
			RequiresAction: []string{"pm_card_authenticationRequired", "pm_card_threeDSecure2Required", "tok_threeDSecureRequired"},
			Unknown:        []string{"pm_card_none", "visa", "", "4242424242424242"},
		},
	})
}

// begin answers a payment that exists at the sandbox.
func begin(t *testing.T, g *sandbox.Gateway, token string) gateway.Payment {
	t.Helper()
	p := gateway.Payment{ID: id.New(id.Payment), Amount: money.Money{Minor: 2500, Currency: "EUR"}, CardToken: token}
	result, err := g.Create(t.Context(), p)
	if err != nil || result.Outcome != payment.OutcomeCreated {
		t.Fatalf("create: got %+v, %v", result, err)
	}
	p.TransactionID = result.TransactionID
	return p
}

func expectOutcome(t *testing.T, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	if err != nil || got.Outcome != want {
		t.Fatalf("got %+v, %v; want %s", got, err, want)
	}
}

func TestUnavailable(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := gateway.Payment{ID: id.New(id.Payment), Amount: money.Money{Minor: 2500, Currency: "EUR"}, CardToken: "pm_sandbox_unavailable"}
	if _, err := g.Create(t.Context(), p); !errors.Is(err, gateway.ErrUnavailable) {
		t.Fatalf("create: got %v, want ErrUnavailable", err)
	}
	if _, err := g.Lookup(t.Context(), p); !errors.Is(err, gateway.ErrUnknownPayment) {
		t.Fatalf("look up: got %v, want ErrUnknownPayment", err)
	}
}

func TestTimeoutChargesAndLosesTheAnswer(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := begin(t, g, "pm_sandbox_timeout")
	if _, err := g.Confirm(t.Context(), p); err == nil || errors.Is(err, gateway.ErrUnavailable) {
		t.Fatalf("confirm: got %v, want an error that leaves open what happened", err)
	}
	result, err := g.Lookup(t.Context(), p)
	expectOutcome(t, result, err, payment.OutcomeSucceeded)
	result, err = g.Confirm(t.Context(), p)
	expectOutcome(t, result, err, payment.OutcomeSucceeded)
}

func TestActionHasASecretOfItsOwnAndMayEndInADecline(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := begin(t, g, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
	first, err := g.Confirm(t.Context(), p)
	expectOutcome(t, first, err, payment.OutcomeRequiresAction)
	found, err := g.Lookup(t.Context(), p)
	expectOutcome(t, found, err, payment.OutcomeRequiresAction)
	secret := first.NextAction.ClientSecret
	if len(strings.TrimPrefix(secret, p.TransactionID)) < 26 || found.NextAction.ClientSecret != secret {
		t.Fatalf("got secrets %q and %q", secret, found.NextAction.ClientSecret)
	}
	other, err := g.Confirm(t.Context(), begin(t, g, "pm_card_authenticationRequired"))
	expectOutcome(t, other, err, payment.OutcomeRequiresAction)
	if other.NextAction.ClientSecret[len(other.TransactionID):] == secret[len(p.TransactionID):] {
		t.Fatal("two payments share a secret")
	}
	p.CardToken = ""
	result, err := g.Confirm(t.Context(), p)
	expectOutcome(t, result, err, payment.OutcomeFailed)
	if result.Reason != "Your card has insufficient funds." {
		t.Fatalf("got reason %q", result.Reason)
	}
}

func TestApprovalByRedirect(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := begin(t, g, "")
	p.ReturnURL = "https://shop.example/return"
	result, err := g.Confirm(t.Context(), p)
	expectOutcome(t, result, err, payment.OutcomeRequiresAction)
	if result.NextAction.RedirectURL != p.ReturnURL || result.NextAction.ClientSecret != "" {
		t.Fatalf("got next action %+v", result.NextAction)
	}
	p.ReturnURL = ""
	result, err = g.Confirm(t.Context(), p)
	expectOutcome(t, result, err, payment.OutcomeSucceeded)
}

func TestRefundsThatDoNotSucceedAtOnce(t *testing.T) {
	g := sandbox.New(newPool(t))
	type answer struct {
		result gateway.RefundResult
		err    error
	}
	failed := gateway.RefundResult{Failed: true, Reason: "The card's bank refused the refund."}
	for token, answers := range map[string][]answer{
		"pm_card_pendingRefund":        {{result: gateway.RefundResult{Pending: true}}, {}, {}},
		"tok_refundFail":               {{result: failed}, {result: failed}},
		"pm_sandbox_refundUnavailable": {{err: gateway.ErrUnavailable}, {}, {}},
	} {
		t.Run(token, func(t *testing.T) {
			p := begin(t, g, token)
			result, err := g.Confirm(t.Context(), p)
			expectOutcome(t, result, err, payment.OutcomeSucceeded)
			refund := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
			for i, want := range answers {
				got, err := g.Refund(t.Context(), refund)
				if got != want.result || !errors.Is(err, want.err) {
					t.Errorf("call %d: got %+v, %v; want %+v, %v", i, got, err, want.result, want.err)
				}
			}
		})
	}
}

func TestAnotherRequestUnderTheSameIDIsAMismatch(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := begin(t, g, "pm_card_visa")
	p.Amount.Currency = "USD"
	if _, err := g.Create(t.Context(), p); !errors.Is(err, sandbox.ErrIdempotencyMismatch) {
		t.Fatalf("create: got %v", err)
	}
	other := begin(t, g, "pm_card_visa")
	refund := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: other.Amount}
	for _, paid := range []gateway.Payment{p, other} {
		result, err := g.Confirm(t.Context(), paid)
		expectOutcome(t, result, err, payment.OutcomeSucceeded)
	}
	if result, err := g.Refund(t.Context(), refund); err != nil || result.Failed {
		t.Fatalf("refund: got %+v, %v", result, err)
	}
	refund.TransactionID = other.TransactionID
	if _, err := g.Refund(t.Context(), refund); !errors.Is(err, sandbox.ErrIdempotencyMismatch) {
		t.Fatalf("refund of another payment: got %v", err)
	}
}
