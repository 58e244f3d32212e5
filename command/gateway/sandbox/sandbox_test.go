package sandbox_test

import (
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

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
	return testenv.OpenPool(t, testenv.EventsDatabase(t))
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

// createPayment returns a payment that exists in the sandbox, unconfirmed.
func createPayment(t *testing.T, g *sandbox.Gateway, token string) gateway.Payment {
	t.Helper()
	p := gateway.Payment{ID: id.New(id.Payment), Amount: money.Money{Minor: 2500, Currency: "EUR"}, CardToken: token}
	result, err := g.Create(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeCreated)
	p.TransactionID = result.TransactionID
	return p
}

func requireOutcome(t *testing.T, got gateway.Result, err error, want payment.Outcome) {
	t.Helper()
	require.NoError(t, err)
	require.Equal(t, want, got.Outcome, got.Reason)
}

func TestAnUnavailablePaymentIsNotCreated(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := gateway.Payment{ID: id.New(id.Payment), Amount: money.Money{Minor: 2500, Currency: "EUR"}, CardToken: "pm_sandbox_unavailable"}
	_, err := g.Create(t.Context(), p)
	require.ErrorIs(t, err, gateway.ErrUnavailable)
	_, err = g.Lookup(t.Context(), p)
	require.ErrorIs(t, err, gateway.ErrUnknownPayment)
}

func TestATimeoutChargesAndLosesTheResponse(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := createPayment(t, g, "pm_sandbox_timeout")
	_, err := g.Confirm(t.Context(), p)
	require.Error(t, err)
	require.NotErrorIs(t, err, gateway.ErrUnavailable, "it may have been charged")
	result, err := g.Lookup(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
	result, err = g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
}

func TestAnActionHasASecretOfItsOwnAndCanEndInADecline(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := createPayment(t, g, "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds")
	first, err := g.Confirm(t.Context(), p)
	requireOutcome(t, first, err, payment.OutcomeRequiresAction)
	found, err := g.Lookup(t.Context(), p)
	requireOutcome(t, found, err, payment.OutcomeRequiresAction)
	secret := first.NextAction.ClientSecret
	require.Equal(t, secret, found.NextAction.ClientSecret)
	require.GreaterOrEqual(t, len(strings.TrimPrefix(secret, p.TransactionID)), 26)
	other, err := g.Confirm(t.Context(), createPayment(t, g, "pm_card_authenticationRequired"))
	requireOutcome(t, other, err, payment.OutcomeRequiresAction)
	require.NotEqual(t, other.NextAction.ClientSecret[len(other.TransactionID):], secret[len(p.TransactionID):])
	p.CardToken = ""
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeFailed)
	require.Equal(t, "Your card has insufficient funds.", result.Reason)
}

func TestAPaymentWithoutATokenIsApprovedByRedirect(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := createPayment(t, g, "")
	p.ReturnURL = "https://shop.example/return"
	result, err := g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeRequiresAction)
	require.Equal(t, &gateway.NextAction{RedirectURL: p.ReturnURL}, result.NextAction)
	p.ReturnURL = ""
	result, err = g.Confirm(t.Context(), p)
	requireOutcome(t, result, err, payment.OutcomeSucceeded)
}

func TestRefundsThatDoNotSucceedAtOnce(t *testing.T) {
	g := sandbox.New(newPool(t))
	type response struct {
		result gateway.RefundResult
		err    error
	}
	failed := gateway.RefundResult{Failed: true, Reason: "The card's bank refused the refund."}
	for token, responses := range map[string][]response{
		"pm_card_pendingRefund":        {{result: gateway.RefundResult{Pending: true}}, {}, {}},
		"tok_refundFail":               {{result: failed}, {result: failed}},
		"pm_sandbox_refundUnavailable": {{err: gateway.ErrUnavailable}, {}, {}},
	} {
		t.Run(token, func(t *testing.T) {
			p := createPayment(t, g, token)
			result, err := g.Confirm(t.Context(), p)
			requireOutcome(t, result, err, payment.OutcomeSucceeded)
			refund := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: p.Amount}
			for i, want := range responses {
				got, err := g.Refund(t.Context(), refund)
				require.ErrorIs(t, err, want.err, i)
				require.Equal(t, want.result, got, i)
			}
		})
	}
}

func TestAnotherRequestUnderTheSameIDIsAMismatch(t *testing.T) {
	g := sandbox.New(newPool(t))
	p := createPayment(t, g, "pm_card_visa")
	p.Amount.Currency = "USD"
	_, err := g.Create(t.Context(), p)
	require.ErrorIs(t, err, sandbox.ErrIdempotencyMismatch)
	other := createPayment(t, g, "pm_card_visa")
	refund := gateway.Refund{ID: id.New(id.Refund), TransactionID: p.TransactionID, Amount: other.Amount}
	for _, paid := range []gateway.Payment{p, other} {
		result, err := g.Confirm(t.Context(), paid)
		requireOutcome(t, result, err, payment.OutcomeSucceeded)
	}
	result, err := g.Refund(t.Context(), refund)
	require.NoError(t, err)
	require.Equal(t, gateway.RefundResult{}, result)
	refund.TransactionID = other.TransactionID
	_, err = g.Refund(t.Context(), refund)
	require.ErrorIs(t, err, sandbox.ErrIdempotencyMismatch, "a refund of another payment")
}
